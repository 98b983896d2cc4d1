/* SPDX-License-Identifier: MIT
 *
 * payload_off.h - offsets in struct bpftime_payload that assembly uses; init.c checks them. */
#ifndef BPFTIME_RUNTIME_PAYLOAD_OFF_H
#define BPFTIME_RUNTIME_PAYLOAD_OFF_H

#define PAYLOAD_ENTRY_REL 72
#define PAYLOAD_INIT_REL 76

#endif
