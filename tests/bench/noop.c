/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In place of a real runtime.
 */
int main(void)
{
	return 0;
}
