#!/usr/bin/env bash
# Runs Scaling on two hosts: network namespaces with separate addresses and a virtual cable between them, so that the ranks use TCP.
#     benchmarks/several-machines/over-tcp.sh [EPOCHS]
# Needs root, iproute2, Open MPI and a Release build of Scaling.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${ON_A:-}" ]; then
  a=patchwork-a-$$ b=patchwork-b-$$ work=$(mktemp -d)
  trap 'ip netns pids $a 2> /dev/null | xargs -r kill -9; ip netns pids $b 2> /dev/null | xargs -r kill -9; ip netns del $a; ip netns del $b; rm -rf "$work"' EXIT
  ip netns add $a && ip netns add $b
  ip link add cable netns $a type veth peer name cable netns $b
  ip -n $a addr add 10.77.0.1/24 dev cable && ip -n $b addr add 10.77.0.2/24 dev cable
  for host in $a $b; do ip -n $host link set cable up && ip -n $host link set lo up; done
  # The script that MPI calls instead of ssh, with the arguments ADDRESS COMMAND...
  printf '#!/bin/sh\nshift\nexec ip netns exec %s unshare --uts sh -c "hostname host-b; $*"\n' $b > "$work/rsh"
  chmod +x "$work/rsh"
  ON_A=$a RSH="$work/rsh" ip netns exec $a unshare --uts "$0" "$@"
  exit 0
fi
hostname host-a
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_plm_rsh_agent="$RSH"
export OMPI_MCA_oob_tcp_if_include=10.77.0.0/24 OMPI_MCA_btl_tcp_if_include=10.77.0.0/24 OMPI_MCA_btl=tcp,self
mpirun.openmpi --host 10.77.0.1,10.77.0.2 -n 2 --bind-to none dotnet benchmarks/several-machines/Scaling/bin/Release/net10.0/Scaling.dll "$@"
