/*
 * A small thread pool for models compiled with --threads: it implements the
 * callback of nnc/Runtime.h. Optional: a program may bring its own.
 */
#ifndef NNC_POOL_H
#define NNC_POOL_H

#include "nnc/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A set of threads that wait for parallel loops. */
typedef struct nnc_pool nnc_pool;

/** Starts a pool that runs loops on `threads` threads, the caller's own among them; 0 means one per CPU.
 *  NULL if out of memory. Where fewer threads can be started, the pool works with those. */
nnc_pool *nnc_pool_create(unsigned threads);

/** Ends the threads and frees the pool; no loop may be running. NULL is allowed. */
void nnc_pool_destroy(nnc_pool *pool);

/** The number of threads, the caller's among them. */
unsigned nnc_pool_size(const nnc_pool *pool);

/** Calls `body(arg, i)` once for each i below n and returns when all are done. Safe from several threads at once and
 *  from inside a loop: a loop that finds the pool busy runs on the caller's thread alone. `pool` is an nnc_pool. */
void nnc_pool_parallel_for(void *pool, size_t n, void (*body)(void *arg, size_t i), void *arg);

/** The pool as the callback that `<name>_run` takes; valid while the pool lives. */
const nnc_parallel *nnc_pool_parallel(const nnc_pool *pool);

#ifdef __cplusplus
}
#endif

#endif /* NNC_POOL_H */
