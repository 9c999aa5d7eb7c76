// The functions on strings that compiled models call, on this machine: numbers against the C library, with random bits.
#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

extern "C" {
#include "lib/Target/TextFunctions/Text.h"
uintptr_t nnc_text_of_float(uintptr_t space, double value);
uintptr_t nnc_text_of_integer(uintptr_t space, int64_t value, uintptr_t isUnsigned);
double nnc_text_to_float(uintptr_t space, uintptr_t text, uintptr_t isSingle);
int64_t nnc_text_to_integer(uintptr_t space, uintptr_t text, uintptr_t isUnsigned);
uintptr_t nnc_text_concat(uintptr_t space, uintptr_t a, uintptr_t b);
uintptr_t nnc_text_change_case(uintptr_t space, uintptr_t text, uintptr_t upper);
}

namespace {

/// A space with room for `bytes`.
class Space {
public:
  explicit Space(size_t bytes = 4096) : memory(bytes) { clear(); }
  void clear() {
    auto begin = reinterpret_cast<uintptr_t>(memory.data());
    space = {begin, begin + memory.size(), 0};
  }
  operator uintptr_t() { return reinterpret_cast<uintptr_t>(&space); }
  bool hasFailed() const { return space.failed; }

private:
  std::vector<char> memory;
  TextSpace space;
};

uintptr_t addressOf(const std::string &text) { return reinterpret_cast<uintptr_t>(text.c_str()); }
std::string stringAt(uintptr_t address) { return reinterpret_cast<const char *>(address); }

template <typename T> uint64_t bitsOf(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

std::string print(const char *format, double value) {
  std::vector<char> text(1500);
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

void expectParsed(Space &space, const std::string &text) {
  space.clear();
  EXPECT_EQ(bitsOf(nnc_text_to_float(space, addressOf(text), 0)), bitsOf(std::strtod(text.c_str(), nullptr))) << text;
  auto single = static_cast<float>(nnc_text_to_float(space, addressOf(text), 1));
  EXPECT_EQ(bitsOf(single), bitsOf(std::strtof(text.c_str(), nullptr))) << text;
  EXPECT_FALSE(space.hasFailed()) << text;
}

TEST(TextFunctions, RandomFloats) {
  std::mt19937_64 generator(7);
  Space space;
  for (int i = 0; i < 20000; ++i) {
    uint64_t bits = generator();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (i % 3 == 1)
      value = static_cast<double>(static_cast<int64_t>(bits) >> (20 + bits % 40)) / (1 << (bits % 11));
    if (i % 3 == 2)
      value = static_cast<float>(std::ldexp(static_cast<double>(bits >> 20), -60));
    if (!std::isfinite(value))
      continue;
    space.clear();
    EXPECT_EQ(stringAt(nnc_text_of_float(space, value)), print("%.8g", value));
    for (const char *format : {"%.17g", "%.9g", "%.30e"})
      expectParsed(space, print(format, value));
    if (i % 100 == 0)
      expectParsed(space, print("%.1100f", value));
  }
}

TEST(TextFunctions, HalfwayFloats) {
  std::mt19937_64 generator(9);
  Space space;
  for (int i = 0; i < 3000; ++i) {
    auto bits = static_cast<uint32_t>(generator() % 0x7f000000);
    float value;
    std::memcpy(&value, &bits, sizeof value);
    std::string half = print("%.200f", (static_cast<double>(value) + std::nextafter(value, INFINITY)) / 2);
    expectParsed(space, half);
    expectParsed(space, half + "1");
  }
}

TEST(TextFunctions, FloatsAtTheEdge) {
  Space space;
  for (const char *text : {"1e400", "-1e400", "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400", "0e9999",
                           "1.7976931348623159e308", "1.7976931348623158e308", "2.2250738585072011e-308", "1e-45", "7e-46",
                           "7.1e-46", "3.4028235e38", "3.4028236e38", "1e99999999999", "00000.00001e3", ".5", "5.", " 12 ", "-0", "inf",
                           "-Infinity", "+1E+2"})
    expectParsed(space, text);
  EXPECT_EQ(stringAt(nnc_text_of_float(space, NAN)), "NaN");
  EXPECT_EQ(stringAt(nnc_text_of_float(space, INFINITY)), "INF");
  EXPECT_EQ(stringAt(nnc_text_of_float(space, -INFINITY)), "-INF");
  EXPECT_EQ(stringAt(nnc_text_of_float(space, -0.0)), "-0");
}

TEST(TextFunctions, NoNumbers) {
  Space space;
  for (std::string text : {"", "x", "1x", "--1", "1e", ".", " ", "1 2", "0x10", "e5", "nanx", "infinit"}) {
    space.clear();
    nnc_text_to_float(space, addressOf(text), 0);
    EXPECT_TRUE(space.hasFailed()) << text;
  }
  for (std::string text : {"", "-", "1.0", "9223372036854775808", "-9223372036854775809", "1 2"}) {
    space.clear();
    nnc_text_to_integer(space, addressOf(text), 0);
    EXPECT_TRUE(space.hasFailed()) << text;
  }
  for (std::string text : {"-1", "18446744073709551616"}) {
    space.clear();
    nnc_text_to_integer(space, addressOf(text), 1);
    EXPECT_TRUE(space.hasFailed()) << text;
  }
}

TEST(TextFunctions, Integers) {
  Space space;
  for (int64_t value : {int64_t{0}, int64_t{-1}, int64_t{10}, INT64_MAX, INT64_MIN}) {
    std::string text = std::to_string(value);
    EXPECT_EQ(stringAt(nnc_text_of_integer(space, value, 0)), text);
    EXPECT_EQ(nnc_text_to_integer(space, addressOf(text), 0), value);
  }
  EXPECT_EQ(stringAt(nnc_text_of_integer(space, -1, 1)), "18446744073709551615");
  EXPECT_EQ(nnc_text_to_integer(space, addressOf("18446744073709551615"), 1), -1);
  EXPECT_FALSE(space.hasFailed());
}

TEST(TextFunctions, Case) {
  Space space;
  EXPECT_EQ(stringAt(nnc_text_change_case(space, addressOf("az\xC3\xA4\xC3\x9F\xE2\xB1\xA5!"), 1)), "AZ\xC3\x84\xC3\x9F\xC8\xBA!");
  EXPECT_EQ(stringAt(nnc_text_change_case(space, addressOf("AZ\xC3\x84\xF0\x90\x90\x80"), 0)), "az\xC3\xA4\xF0\x90\x90\xA8");
  // What is not UTF-8 stays: a byte alone, an end that comes too early, a code that is too long, a surrogate's is a code point.
  for (std::string text : {"\xFF", "\xC3", "\xE2\x82", "\xC1\x81", "\xF4\x90\x80\x80"})
    EXPECT_EQ(stringAt(nnc_text_change_case(space, addressOf(text), 1)), text);
}

TEST(TextFunctions, Room) {
  Space space(8);
  EXPECT_EQ(stringAt(nnc_text_concat(space, addressOf("abc"), addressOf("defg"))), "abcdefg");
  EXPECT_FALSE(space.hasFailed());
  EXPECT_EQ(stringAt(nnc_text_concat(space, addressOf("abc"), addressOf(""))), "abc"); // the same
  EXPECT_FALSE(space.hasFailed());
  EXPECT_EQ(stringAt(nnc_text_concat(space, addressOf("a"), addressOf("b"))), "");
  EXPECT_TRUE(space.hasFailed());
}

} // namespace
