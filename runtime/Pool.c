/*
 * The thread pool of nnc/Pool.h. Each thread has a share of neighbouring indices, the same one in every loop of as many:
 * neighbours read the same data, the next index's weights are prefetched, and what a thread wrote in one layer lies in
 * its cache when it reads it in the next. Who is done with its own share takes from the others'. A share hands its
 * indices out one by one from an atomic counter, so each index runs exactly once and results do not depend on the number
 * of threads. Threads that find no work spin for a short time, because the next loop of a model usually follows within
 * microseconds, and then sleep. A loop never waits for threads that are still asleep: threads join a loop only while it
 * is open, and its caller waits for those that joined.
 */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include "nnc/Pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { SPINS_BEFORE_SLEEP = 20000, SPINS_BEFORE_YIELD = 2000 };

/* `state` of a pool: bit 0 says that a loop is open, the rest counts the threads that joined it. */
enum { LOOP_OPEN = 1, ONE_THREAD = 2 };

/* A thread and its share of the loop. The padding keeps two counters off one cache line, whatever the alignment. */
typedef struct {
  atomic_size_t next;
  size_t end;
  nnc_pool *pool;
  pthread_t thread;
  char padding[128];
} member;

struct nnc_pool {
  nnc_parallel parallel;
  /* The loop; it and the shares are written by its caller while no thread has joined. */
  void (*body)(void *arg, size_t i);
  void *arg;
  atomic_uint state;
  atomic_flag busy;
  /* How threads learn of a new loop. */
  atomic_uint generation;
  atomic_bool stop;
  atomic_uint sleepers;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  unsigned workers;
  member members[]; /* the loop's caller, then the workers */
};

static void pause_cpu(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void divide_loop(nnc_pool *pool, size_t n) {
  size_t members = pool->workers + 1, share = n / members, larger = n % members, first = 0;
  for (size_t i = 0; i < members; ++i) {
    atomic_store_explicit(&pool->members[i].next, first, memory_order_relaxed);
    first += share + (i < larger);
    pool->members[i].end = first;
  }
}

/* Works until all indices are taken, first those of member `own`. */
static void run_indices(nnc_pool *pool, unsigned own) {
  unsigned members = pool->workers + 1;
  for (unsigned k = 0; k < members; ++k) {
    member *share = &pool->members[(own + k) % members];
    /* Read first: an exhausted counter stays in everyone's cache, and does not run on. */
    while (atomic_load_explicit(&share->next, memory_order_relaxed) < share->end) {
      size_t i = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed);
      if (i >= share->end)
        break;
      pool->body(pool->arg, i);
    }
  }
}

/* Joins the open loop, if there is one, and works until its indices are used up. */
static void join_loop(nnc_pool *pool, unsigned own) {
  unsigned state = atomic_load_explicit(&pool->state, memory_order_relaxed);
  do {
    if (!(state & LOOP_OPEN))
      return;
  } while (!atomic_compare_exchange_weak_explicit(&pool->state, &state, state + ONE_THREAD, memory_order_acquire,
                                                  memory_order_relaxed));
  run_indices(pool, own);
  atomic_fetch_sub_explicit(&pool->state, ONE_THREAD, memory_order_release);
}

static bool has_news(nnc_pool *pool, unsigned seen) {
  return atomic_load(&pool->generation) != seen || atomic_load(&pool->stop);
}

static void sleep_until_news(nnc_pool *pool, unsigned seen) {
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->sleepers, 1);
  while (!has_news(pool, seen))
    pthread_cond_wait(&pool->wake, &pool->mutex);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->mutex);
}

static void *run_worker(void *argument) {
  member *self = argument;
  nnc_pool *pool = self->pool;
  unsigned own = (unsigned)(self - pool->members), seen = 0;
  for (;;) {
    for (int spins = 0; spins < SPINS_BEFORE_SLEEP && !has_news(pool, seen); ++spins)
      pause_cpu();
    if (!has_news(pool, seen))
      sleep_until_news(pool, seen);
    if (atomic_load(&pool->stop))
      return NULL;
    seen = atomic_load(&pool->generation);
    join_loop(pool, own);
  }
}

static void wake_sleepers(nnc_pool *pool) {
  if (atomic_load(&pool->sleepers) == 0)
    return;
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
}

nnc_pool *nnc_pool_create(unsigned threads) {
  if (threads == 0) {
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    threads = cpus > 0 ? (unsigned)cpus : 1;
  }
  nnc_pool *pool = calloc(1, sizeof *pool + threads * sizeof(member));
  if (!pool)
    return NULL;
  pool->parallel.parallel_for = nnc_pool_parallel_for;
  pool->parallel.context = pool;
  atomic_flag_clear(&pool->busy);
  if (pthread_mutex_init(&pool->mutex, NULL) != 0) {
    free(pool);
    return NULL;
  }
  if (pthread_cond_init(&pool->wake, NULL) != 0) {
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
    return NULL;
  }
  for (unsigned i = 1; i < threads; ++i, ++pool->workers) {
    pool->members[i].pool = pool;
    if (pthread_create(&pool->members[i].thread, NULL, run_worker, &pool->members[i]) != 0)
      break;
  }
  return pool;
}

void nnc_pool_destroy(nnc_pool *pool) {
  if (!pool)
    return;
  atomic_store(&pool->stop, true);
  wake_sleepers(pool);
  for (unsigned i = 0; i < pool->workers; ++i)
    pthread_join(pool->members[i + 1].thread, NULL);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
  free(pool);
}

unsigned nnc_pool_size(const nnc_pool *pool) { return pool->workers + 1; }

const nnc_parallel *nnc_pool_parallel(const nnc_pool *pool) { return &pool->parallel; }

void nnc_pool_parallel_for(void *context, size_t n, void (*body)(void *arg, size_t i), void *arg) {
  nnc_pool *pool = context;
  if (n < 2 || pool->workers == 0 || atomic_flag_test_and_set_explicit(&pool->busy, memory_order_acquire)) {
    for (size_t i = 0; i < n; ++i)
      body(arg, i);
    return;
  }
  pool->body = body;
  pool->arg = arg;
  divide_loop(pool, n);
  atomic_store_explicit(&pool->state, LOOP_OPEN, memory_order_release);
  atomic_fetch_add(&pool->generation, 1);
  wake_sleepers(pool);
  run_indices(pool, 0);
  atomic_fetch_and_explicit(&pool->state, ~(unsigned)LOOP_OPEN, memory_order_relaxed);
  for (int spins = 0; atomic_load_explicit(&pool->state, memory_order_acquire) != 0; ++spins) {
    if (spins < SPINS_BEFORE_YIELD)
      pause_cpu();
    else
      sched_yield();
  }
  atomic_flag_clear_explicit(&pool->busy, memory_order_release);
}
