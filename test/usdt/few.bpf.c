// SPDX-License-Identifier: MIT
// Has room for the arguments of two probes.
#define BPF_USDT_MAX_SPEC_CNT 2
#include "forms.bpf.c"
