// The memory planner: no two live buffers overlap, and the arena is close to its lower bound.
#include "lib/Analysis/MemoryPlanner.h"

#include "gtest/gtest.h"

#include <random>

using nnc::MemoryPlanner;
using nnc::PlannedBuffer;

static void expectValid(const MemoryPlanner &planner) {
  auto buffers = planner.getBuffers();
  for (size_t i = 0; i < buffers.size(); ++i) {
    const PlannedBuffer &a = buffers[i];
    ASSERT_GE(a.offset, 0);
    EXPECT_EQ(a.offset % 64, 0);
    EXPECT_LE(a.offset + a.bytes, planner.getPeak());
    for (size_t j = 0; j < i; ++j) {
      const PlannedBuffer &b = buffers[j];
      bool liveTogether = a.first <= b.last && b.first <= a.last;
      bool overlap = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
      EXPECT_FALSE(liveTogether && overlap) << i << " and " << j;
    }
  }
}

TEST(MemoryPlanner, Empty) {
  MemoryPlanner planner;
  planner.plan();
  EXPECT_EQ(planner.getPeak(), 0);
  EXPECT_EQ(planner.getLowerBound(), 0);
}

TEST(MemoryPlanner, ChainNeedsTwoBuffers) {
  MemoryPlanner planner;
  for (int i = 0; i < 10; ++i)
    planner.add(1000, i, i + 1);
  planner.plan();
  expectValid(planner);
  EXPECT_EQ(planner.getPeak(), 2048);
}

TEST(MemoryPlanner, ZeroBytes) {
  MemoryPlanner planner;
  planner.add(0, 0, 5);
  planner.add(64, 0, 5);
  planner.plan();
  expectValid(planner);
  EXPECT_EQ(planner.getPeak(), 64);
}

TEST(MemoryPlanner, ResidualBlocks) {
  // x lives across each block of three layers, as in ResNet.
  MemoryPlanner planner;
  for (int block = 0; block < 16; ++block) {
    int64_t bytes = 800'000 >> (block / 4), at = block * 4;
    planner.add(bytes, at, at + 4);
    planner.add(bytes / 4, at + 1, at + 2);
    planner.add(bytes / 4, at + 2, at + 3);
  }
  planner.plan();
  expectValid(planner);
  EXPECT_EQ(planner.getPeak(), planner.getLowerBound());
}

TEST(MemoryPlanner, Random) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    MemoryPlanner planner;
    for (int i = 0; i < 120; ++i)
      planner.add(1 + random() % 100'000, i, i + 1 + random() % 6);
    planner.plan();
    expectValid(planner);
    EXPECT_LE(planner.getPeak(), planner.getLowerBound() * 1.05);
  }
}

TEST(MemoryPlanner, Deterministic) {
  auto place = [] {
    std::mt19937 random(3);
    MemoryPlanner planner;
    for (int i = 0; i < 60; ++i)
      planner.add(1 + random() % 10'000, i, i + random() % 9);
    planner.plan();
    std::vector<int64_t> offsets;
    for (const PlannedBuffer &buffer : planner.getBuffers())
      offsets.push_back(buffer.offset);
    return offsets;
  };
  EXPECT_EQ(place(), place());
}
