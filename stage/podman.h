/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podman's own pods (`podman pod create`). podman names the pod of a container as CRI-O names a sandbox, in
 * io.kubernetes.cri-o.SandboxID, but with two meanings (CompleteSpec() in its pkg/specgen/generate, as of
 * 4.3.1 and 6.0):
 *
 *   - in a pod with an infra container, kube play's among them, the id of that container. The infra
 *     container itself has no such annotation. Its namespaces are podman's business, so these containers
 *     are left alone. Which of them a container joins is no criterion: with --share net it has no
 *     path for ipc and uts, and with --share none for nothing.
 *   - in a pod without one (--infra=false, or --share ""), the id of the pod. Its containers share a
 *     pod of ours, whose name is that id.
 *
 * podman keeps a directory for each container and none for a pod, so the directory of the infra container
 * tells them apart. Its path is that of files which podman mounts into the container, but for the id.
 * (linux.cgroupsPath has the pod's id only under some versions, as root, unless options say otherwise.)
 *
 * Only podman has precreate, which decides what is shared. The other stages may be run by CRI-O, where
 * pod authors write annotations, io.container.manager=libpod among them. Nobody can forge a path that is
 * a pin of the pod. So there the container shares what precreate has made it share, and if it is left
 * alone, root's --sysctl is set nevertheless.
 */
#ifndef PODNS_STAGE_PODMAN_H
#define PODNS_STAGE_PODMAN_H

#include "stage/container.h"

/*
 * Correct the choice of container_choose() for a container in a pod of podman's. only_podman: this stage is
 * precreate. It is an error there if the directory of the infra container cannot be looked for.
 */
int podman_choose(struct container *c, bool only_podman, struct error *e);

#endif
