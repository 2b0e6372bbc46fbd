#!/usr/bin/env bash
# Simulates two hosts on one machine: network namespaces a and b with separate host names and addresses and a virtual cable between them.
# Trains on both as one run, then again with the cable unplugged and plugged back in, and compares the weights.
#     two-hosts.sh FOLDER PROGRAM ARGUMENT...      PROGRAM and its arguments are the training command without --out
set -euo pipefail
work=$1
shift
# The first call of this script creates the hosts and calls the script again on host a.
if [ -z "${ON_A:-}" ]; then
  a=patchwork-a-$$ b=patchwork-b-$$
  trap 'ip netns pids $a 2> /dev/null | xargs -r kill -9; ip netns pids $b 2> /dev/null | xargs -r kill -9; ip netns del $a; ip netns del $b' EXIT
  ip netns add $a && ip netns add $b || exit 99
  ip link add cable netns $a type veth peer name cable netns $b || exit 99
  ip -n $a addr add 10.77.0.1/24 dev cable && ip -n $b addr add 10.77.0.2/24 dev cable
  for host in $a $b; do ip -n $host link set cable up && ip -n $host link set lo up; done
  ON_A=$a ON_B=$b ip netns exec $a unshare --uts "$0" "$work" "$@"
  exit 0
fi
hostname host-a
# The script that MPI calls instead of ssh, with the arguments ADDRESS COMMAND...
printf '#!/bin/sh\nshift\nexec ip netns exec %s unshare --uts sh -c "hostname host-b; $*"\n' "$ON_B" > "$work/rsh"
chmod +x "$work/rsh"
export OMPI_MCA_plm_rsh_agent="$work/rsh" OMPI_MCA_oob_tcp_if_include=10.77.0.0/24 OMPI_MCA_btl_tcp_if_include=10.77.0.0/24 OMPI_MCA_btl=tcp,self
ranks() { mpirun.openmpi --host 10.77.0.1,10.77.0.2 -n 2 "$@"; }

ranks "$@" --out "$work/whole"
grep -q host-a "$work/whole/environment.json" && grep -q host-b "$work/whole/environment.json"

# An unplugged cable closes no connection, so the launchers must probe whether the other host is still there.
export OMPI_MCA_oob_tcp_keepalive_time=2 OMPI_MCA_oob_tcp_keepalive_intvl=1 OMPI_MCA_oob_tcp_keepalive_probes=2
ranks "$@" --out "$work/pulled" 2> "$work/pulled.err" & process=$!
until [ -f "$work/pulled/checkpoints/last.state.json" ]; do kill -0 $process; sleep 0.1; done
ip link set cable down
start=$(date +%s)
wait $process && exit 1
echo "ended after $(($(date +%s) - start)) s"
ip link set cable up
sleep 1
ranks "$1" "$2" "$3" train --resume --quiet --out "$work/pulled"
cmp "$work/whole/checkpoints/last.safetensors" "$work/pulled/checkpoints/last.safetensors"
echo "the same weights"
