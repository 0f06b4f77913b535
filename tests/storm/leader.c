/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process whose first thread ends at SIGUSR1 while another lives on: /proc then shows it as a zombie,
 * and its namespaces only in its task directory.
 */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static void *live_on(void *arg)
{
	for (;;)
		pause();
	return arg;
}

int main(void)
{
	pthread_t thread;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) ||
	    pthread_create(&thread, NULL, live_on, NULL) || sigwait(&set, &sig))
		return 1;
	pthread_exit(NULL);
}
