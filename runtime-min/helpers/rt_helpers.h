/* SPDX-License-Identifier: MIT
 *
 * rt_helpers.h - what the helpers share.
 *
 * bpftime_h_<name>() has the parameters that abi/helpers.h derives from the row of
 * helpers.def: a map is two of them, everything else one. */
#ifndef BPFTIME_RUNTIME_HELPERS_H
#define BPFTIME_RUNTIME_HELPERS_H

#include "helpers.h"
#include "rt_base.h"

#ifdef __cplusplus
extern "C" {
#endif
/* What a kernel function that returns an int leaves in the register. */
RT_INLINE uint64_t rt_int_result(int32_t v)
{
	return (uint32_t)v;
}

#pragma GCC visibility push(hidden)
void *bpftime_h_map_lookup_elem(const struct bpftime_map *m, void *base, const void *key);
uint64_t bpftime_h_map_update_elem(const struct bpftime_map *m, void *base, const void *key,
				   const void *value, uint64_t flags);
uint64_t bpftime_h_map_delete_elem(const struct bpftime_map *m, void *base, const void *key);
uint64_t bpftime_h_map_push_elem(const struct bpftime_map *m, void *base, const void *value,
				 uint64_t flags);
uint64_t bpftime_h_map_pop_elem(const struct bpftime_map *m, void *base, void *value);
uint64_t bpftime_h_map_peek_elem(const struct bpftime_map *m, void *base, void *value);
uint64_t bpftime_h_probe_read(void *to, uint64_t bytes, uint64_t from);
uint64_t bpftime_h_probe_read_user(void *to, uint64_t bytes, uint64_t from);
uint64_t bpftime_h_probe_read_kernel(void *to, uint64_t bytes, uint64_t from);
uint64_t bpftime_h_probe_read_str(void *to, uint64_t bytes, uint64_t from);
uint64_t bpftime_h_probe_read_user_str(void *to, uint64_t bytes, uint64_t from);
uint64_t bpftime_h_probe_read_kernel_str(void *to, uint64_t bytes, uint64_t from);
uint64_t bpftime_h_trace_printk(void *fmt, uint64_t bytes, uint64_t a, uint64_t b, uint64_t c);
uint64_t bpftime_h_iter_bits_new(void *it, uint64_t from, uint64_t words);
void *bpftime_h_iter_bits_next(void *it);
void bpftime_h_iter_bits_destroy(void *it);
uint64_t bpftime_h_iter_num_new(void *it, uint64_t start, uint64_t end);
void *bpftime_h_iter_num_next(void *it);
void bpftime_h_iter_num_destroy(void *it);
uint64_t bpftime_h_dynptr_from_mem(void *data, uint64_t size, uint64_t flags, void *to);
uint64_t bpftime_h_dynptr_read(void *to, uint64_t bytes, const void *d, uint64_t off,
			       uint64_t flags);
uint64_t bpftime_h_dynptr_write(const void *d, uint64_t off, const void *from, uint64_t bytes,
				uint64_t flags);
void *bpftime_h_dynptr_data(const void *d, uint64_t off, uint64_t bytes);
void *bpftime_h_dynptr_slice(const void *d, uint64_t off, void *buffer, uint64_t bytes);
void *bpftime_h_dynptr_slice_rdwr(const void *d, uint64_t off, void *buffer, uint64_t bytes);
uint64_t bpftime_h_dynptr_adjust(void *d, uint64_t from, uint64_t to);
uint64_t bpftime_h_dynptr_is_null(const void *d);
uint64_t bpftime_h_dynptr_is_rdonly(const void *d);
uint64_t bpftime_h_dynptr_size(const void *d);
uint64_t bpftime_h_dynptr_clone(const void *d, void *clone);
uint64_t bpftime_h_dynptr_copy(void *to, uint64_t to_off, void *from, uint64_t from_off,
			       uint64_t size);
uint64_t bpftime_h_dynptr_memset(void *d, uint64_t off, uint64_t size, uint64_t value);
uint64_t bpftime_h_probe_read_user_dynptr(void *d, uint64_t off, uint64_t size, uint64_t from);
uint64_t bpftime_h_probe_read_kernel_dynptr(void *d, uint64_t off, uint64_t size, uint64_t from);
uint64_t bpftime_h_probe_read_user_str_dynptr(void *d, uint64_t off, uint64_t size,
					      uint64_t from);
uint64_t bpftime_h_probe_read_kernel_str_dynptr(void *d, uint64_t off, uint64_t size,
						uint64_t from);
uint64_t bpftime_h_copy_from_user_dynptr(void *d, uint64_t off, uint64_t size, uint64_t from);
uint64_t bpftime_h_copy_from_user_str_dynptr(void *d, uint64_t off, uint64_t size, uint64_t from);
uint64_t bpftime_h_ringbuf_reserve_dynptr(const struct bpftime_map *m, void *base, uint64_t size,
					  uint64_t flags, void *to);
void bpftime_h_ringbuf_submit_dynptr(void *d, uint64_t flags);
void bpftime_h_ringbuf_discard_dynptr(void *d, uint64_t flags);
uint64_t bpftime_h_user_ringbuf_drain(const struct bpftime_map *m, void *base,
				      struct helper_drain *at);
uint64_t bpftime_h_copy_from_user_str(void *to, uint64_t bytes, uint64_t from, uint64_t flags);
uint64_t bpftime_h_rdonly_cast(uint64_t address, uint64_t type);
/* What loads through that are: up to 8 bytes; 0 if they are not all there. */
uint64_t bpftime_h_load_anywhere(uint64_t address, uint64_t bytes);
uint64_t bpftime_h_strcmp(uint64_t a, uint64_t b);
uint64_t bpftime_h_strcasecmp(uint64_t a, uint64_t b);
uint64_t bpftime_h_strchr(uint64_t s, uint64_t c);
uint64_t bpftime_h_strchrnul(uint64_t s, uint64_t c);
uint64_t bpftime_h_strnchr(uint64_t s, uint64_t count, uint64_t c);
uint64_t bpftime_h_strrchr(uint64_t s, uint64_t c);
uint64_t bpftime_h_strlen(uint64_t s);
uint64_t bpftime_h_strnlen(uint64_t s, uint64_t count);
uint64_t bpftime_h_strspn(uint64_t s, uint64_t accept);
uint64_t bpftime_h_strcspn(uint64_t s, uint64_t reject);
uint64_t bpftime_h_strstr(uint64_t a, uint64_t b);
uint64_t bpftime_h_strnstr(uint64_t a, uint64_t b, uint64_t bytes);
uint64_t bpftime_h_ktime_get_ns(void);
uint64_t bpftime_h_ktime_get_boot_ns(void);
uint64_t bpftime_h_get_prandom_u32(void);
uint64_t bpftime_h_get_smp_processor_id(void);
uint64_t bpftime_h_get_current_pid_tgid(void);
uint64_t bpftime_h_get_current_uid_gid(void);
uint64_t bpftime_h_get_current_comm(void *to, uint64_t bytes);
uint64_t bpftime_h_get_attach_cookie(void *ctx);
uint64_t bpftime_h_get_func_ip(void *ctx);
uint64_t bpftime_h_get_func_arg(void *ctx, uint64_t n, void *value);
uint64_t bpftime_h_get_func_ret(void *ctx, void *value);
uint64_t bpftime_h_get_func_arg_cnt(void *ctx);
uint64_t bpftime_h_override_return(void *ctx, uint64_t value);
uint64_t bpftime_h_ktime_get_coarse_ns(void);
uint64_t bpftime_h_ktime_get_tai_ns(void);
uint64_t bpftime_h_jiffies64(void);
uint64_t bpftime_h_get_current_task(void);
uint64_t bpftime_h_get_current_task_btf(void);
void *bpftime_h_task_storage_get(const struct bpftime_map *m, void *base, uint64_t task,
				 const void *value, uint64_t flags);
uint64_t bpftime_h_task_storage_delete(const struct bpftime_map *m, void *base, uint64_t task);
uint64_t bpftime_h_get_numa_node_id(void);
uint64_t bpftime_h_get_current_cgroup_id(void);
uint64_t bpftime_h_current_task_under_cgroup(const struct bpftime_map *m, void *base,
					     uint64_t index);
uint64_t bpftime_h_get_ns_current_pid_tgid(uint64_t dev, uint64_t ino, void *to, uint64_t bytes);
uint64_t bpftime_h_send_signal(uint64_t signal);
uint64_t bpftime_h_send_signal_thread(uint64_t signal);
uint64_t bpftime_h_copy_from_user(void *to, uint64_t bytes, uint64_t from);
uint64_t bpftime_h_probe_write_user(uint64_t to, const void *from, uint64_t bytes);
uint64_t bpftime_h_snprintf(void *out, uint64_t bytes, const void *fmt, const void *data,
			    uint64_t data_bytes);
uint64_t bpftime_h_trace_vprintk(const void *fmt, uint64_t bytes, const void *data,
				 uint64_t data_bytes);
uint64_t bpftime_h_strtol(const void *at, uint64_t bytes, uint64_t flags, void *to);
uint64_t bpftime_h_strtoul(const void *at, uint64_t bytes, uint64_t flags, void *to);
uint64_t bpftime_h_strncmp(const void *a, uint64_t bytes, const void *b);
uint64_t bpftime_h_csum_diff(const void *from, uint64_t from_bytes, const void *to,
			     uint64_t to_bytes, uint64_t seed);
uint64_t bpftime_h_get_stackid(void *ctx, const struct bpftime_map *m, void *base, uint64_t flags);
uint64_t bpftime_h_get_stack(void *ctx, void *to, uint64_t bytes, uint64_t flags);
uint64_t bpftime_h_perf_event_output(void *ctx, const struct bpftime_map *m, void *base,
				     uint64_t flags, const void *data, uint64_t bytes);
void *bpftime_h_map_lookup_percpu_elem(const struct bpftime_map *m, void *base, const void *key,
				       uint64_t which);
uint64_t bpftime_h_arena_alloc_pages(const struct bpftime_map *m, void *base, uint64_t address, uint64_t pages,
				     uint64_t node, uint64_t flags);
void bpftime_h_arena_free_pages(const struct bpftime_map *m, void *base, uint64_t address, uint64_t pages);
uint64_t bpftime_h_arena_reserve_pages(const struct bpftime_map *m, void *base, uint64_t address, uint64_t pages);
uint64_t bpftime_h_spin_lock(const struct bpftime_map *m, void *base, void *lock);
void bpftime_h_spin_unlock(void *lock);
uint64_t bpftime_h_timer_init(void *timer, const struct bpftime_map *m, void *base, uint64_t flags);
uint64_t bpftime_h_timer_set_callback(void *timer, uint64_t id);
uint64_t bpftime_h_timer_start(void *timer, uint64_t ns, uint64_t flags);
uint64_t bpftime_h_timer_cancel(void *timer);
uint64_t bpftime_h_host(const struct objfmt_extern *row, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			uint64_t e);
void *bpftime_h_for_each_map_elem(const struct bpftime_map *m, void *base,
				  struct helper_each *at);
void *bpftime_h_ringbuf_reserve(const struct bpftime_map *m, void *base, uint64_t size,
				uint64_t flags);
void bpftime_h_ringbuf_submit(void *sample, uint64_t flags);
void bpftime_h_ringbuf_discard(void *sample, uint64_t flags);
uint64_t bpftime_h_ringbuf_output(const struct bpftime_map *m, void *base, const void *data,
				  uint64_t size, uint64_t flags);
void *bpftime_h_tail_call(void *ctx, const struct bpftime_map *m, void *base, uint64_t index,
			  uint64_t type);
uint64_t bpftime_h_ringbuf_query(const struct bpftime_map *m, void *base, uint64_t what);
#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
