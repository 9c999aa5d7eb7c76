// The thread pool: every index runs exactly once, whatever the number of threads and callers.
#include "nnc/Pool.h"

#include "gtest/gtest.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

using Pool = std::unique_ptr<nnc_pool, decltype(&nnc_pool_destroy)>;

static Pool makePool(unsigned threads) { return {nnc_pool_create(threads), nnc_pool_destroy}; }

static void count(void *arg, size_t i) { (*static_cast<std::vector<std::atomic<int>> *>(arg))[i]++; }

static void expectOnce(nnc_pool *pool, size_t n) {
  std::vector<std::atomic<int>> counts(n);
  nnc_pool_parallel_for(pool, n, count, &counts);
  for (size_t i = 0; i < n; ++i)
    ASSERT_EQ(counts[i].load(), 1) << "index " << i << " of " << n;
}

class PoolOf : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Threads, PoolOf, testing::Values(1u, 2u, 3u, 8u));

TEST_P(PoolOf, RunsEachIndexOnce) {
  Pool pool = makePool(GetParam());
  ASSERT_TRUE(pool);
  EXPECT_EQ(nnc_pool_size(pool.get()), GetParam());
  for (int repeat = 0; repeat < 2000; ++repeat)
    expectOnce(pool.get(), static_cast<size_t>(repeat % 40));
}

TEST_P(PoolOf, WakesUpAfterSleeping) {
  Pool pool = makePool(GetParam());
  for (int repeat = 0; repeat < 5; ++repeat) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    expectOnce(pool.get(), 100);
  }
}

TEST_P(PoolOf, ServesSeveralCallers) {
  Pool pool = makePool(GetParam());
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller)
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 500; ++repeat)
        expectOnce(pool.get(), 17);
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST_P(PoolOf, RunsLoopsInsideLoops) {
  Pool pool = makePool(GetParam());
  struct Nest {
    nnc_pool *pool;
    std::atomic<int> total{0};
  } nest{pool.get(), {}};
  auto inner = [](void *arg, size_t) { static_cast<Nest *>(arg)->total++; };
  struct Outer {
    Nest *nest;
    void (*inner)(void *, size_t);
  } outer{&nest, inner};
  auto body = [](void *arg, size_t) {
    auto *outer = static_cast<Outer *>(arg);
    nnc_pool_parallel_for(outer->nest->pool, 10, outer->inner, outer->nest);
  };
  nnc_pool_parallel_for(pool.get(), 10, body, &outer);
  EXPECT_EQ(nest.total.load(), 100);
}

TEST(Pool, OneThreadPerCpuByDefault) {
  Pool pool = makePool(0);
  ASSERT_TRUE(pool);
  EXPECT_GE(nnc_pool_size(pool.get()), 1u);
}

TEST(Pool, IsACallback) {
  Pool pool = makePool(2);
  const nnc_parallel *parallel = nnc_pool_parallel(pool.get());
  std::vector<std::atomic<int>> counts(5);
  parallel->parallel_for(parallel->context, 5, count, &counts);
  for (auto &value : counts)
    EXPECT_EQ(value.load(), 1);
}

TEST(Pool, DestroysNull) { nnc_pool_destroy(nullptr); }
