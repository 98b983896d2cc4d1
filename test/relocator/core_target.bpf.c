/* SPDX-License-Identifier: MIT
 * The other kernel: what core.bpf.c is relocated against.  Compiled for its BTF only. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct moved {
	u64 new_first;
	u32 b;
	struct {
		u32 pad;
		union { u64 other; u32 in_union; };
	};
	u32 a;
	u32 list[6];
	struct { int x, y; } pts[3];
};

struct resized {
	u16 narrower;		/* u32 there */
	u64 wider;		/* u32 there */
	long long signed_wider;	/* int there */
	u32 *pointer;
	u32 gone_to_struct_of_same_name;
	char text[40];		/* 16 there */
	u64 numbers[4];		/* u32[4] there */
};

struct bits {
	u32 pad;
	u32 lead : 5;
	u32 a : 7;
	int s : 3;
	u64 : 0;
	u64 wide : 33;
	u8 plain;		/* a bit field there */
	u32 was_plain : 9;	/* u32 there */
};

struct retyped { u64 p; struct { int v; } q; float f; int *was_int; };

struct flex { u32 n; u64 pad; u32 tail[]; };

/* Two types that differ only where nobody looks. */
struct twin___one { u32 pad; u32 same; u32 x; };
struct twin___two { u32 other_pad; u32 same; u64 y; };

typedef struct { u32 pad; u32 in_typedef; } anon_t;
typedef u64 number_t;
union choice { u64 big; u32 small[2]; };

enum colours { RED = 10, GREEN = 20, BLUE___new = 30 };
enum wide64 { W_ONE = 0x1ffffffffULL, W_NEG = 7 };
enum signed_e { S_NEG = -7, S_POS = 5 };

struct fwd_user { struct declared_only *d; int (*fn)(int, struct moved *); };
struct matched { u32 pad; int num; struct moved *ptr; char arr[4]; enum colours c; };
struct mismatched { u64 num; };
int function_like(int a, struct moved *b);
typedef int (*fn_ptr_t)(int, struct moved *);
typedef int (*fn_ptr2_t)(int, struct moved *, int);

struct moved v1; struct resized v2; struct bits v3; struct retyped v4; struct flex v5;
struct twin___one v6; struct twin___two v7; anon_t v8; number_t v9; union choice v10;
enum colours v11; enum wide64 v12; enum signed_e v13; struct fwd_user v14;
struct matched v15; struct mismatched v16; fn_ptr_t v17; fn_ptr2_t v18;
