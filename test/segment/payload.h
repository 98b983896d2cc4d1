// SPDX-License-Identifier: MIT
// The smallest payload: its start writes a line that lies in the RW part, then goes on
// to the original.
#pragma once

#include "patchfmt.h"
#include "segment.h"
#include "util.h"

namespace seg {

struct Stub {
	std::string rx, rw;
};

inline void put32(std::string &s, int64_t v)
{
	int32_t w = (int32_t)v;
	s.append((const char *)&w, 4);
}

// At rx_vaddr: save registers; count in RW when it is writable; write(2, rw + 8, 7);
// restore; jump to next (0: return).
inline Stub make_stub(const struct segment_place &at, uint64_t next)
{
	Stub s;
	s.rw = std::string(8, '\0') + "[bpft]\n";
	s.rw.resize(4096);
	s.rx = std::string("\xf3\x0f\x1e\xfa\x9c\x50\x57\x56\x52\x51\x41\x53", 12);
	if (!at.one_slot) {
		s.rx += "\xff\x05";	// incl rw(%rip)
		put32(s.rx, (int64_t)(at.rw_vaddr - (at.rx_vaddr + s.rx.size() + 4)));
	}
	s.rx += std::string("\xb8\x01\0\0\0\xbf\x02\0\0\0\x48\x8d\x35", 13);
	put32(s.rx, (int64_t)(at.rw_vaddr + 8 - (at.rx_vaddr + s.rx.size() + 4)));
	s.rx += std::string("\xba\x07\0\0\0\x0f\x05\x41\x5b\x59\x5a\x5e\x5f\x58\x9d", 15);
	if (next) {
		s.rx += "\xe9";
		put32(s.rx, (int64_t)(next - (at.rx_vaddr + s.rx.size() + 4)));
	} else {
		s.rx += "\xc3";
	}
	s.rx.resize(128, '\xcc');
	return s;
}

struct Patched {
	int err = -1;
	struct segment_place place = {};
	struct bytes file = {};
};

// Adds the stub; with n_cfi also that many entries to .eh_frame_hdr.
inline Patched patch(struct arena *a, const struct image *im, struct diags *dg,
		     const struct edits *edits = nullptr, const std::vector<cfi_entry> &cfi = {},
		     const std::string &record = "a record")
{
	Patched p;
	struct segment_plan *sp;
	struct lnk_size size = {};
	size.rx_bytes = 128;
	size.rw_bytes = 8192;	// the second page is not in the file
	size.rw_file_bytes = 4096;
	size.rx_align = 64;
	size.rw_align = 4096;
	p.err = segment_plan(a, im, &size, cfi.size(), &sp, &p.place, dg);
	if (p.err)
		return p;
	bool dso = im->kind == IMAGE_DSO;
	Stub s = make_stub(p.place, dso ? im->init_vaddr : im->eh.e_entry);
	struct segment_fill f = {};
	f.rx = { (const uint8_t *)s.rx.data(), s.rx.size() };
	f.rw = { (const uint8_t *)s.rw.data(), s.rw.size() };
	f.edits = edits;
	f.cfi = cfi.data();
	f.n_cfi = cfi.size();
	(dso ? f.init_vaddr : f.entry_vaddr) = p.place.rx_vaddr;
	f.meta = { (const uint8_t *)record.data(), record.size() };
	p.err = segment_write(sp, &f, &p.file, dg);
	return p;
}

} // namespace seg
