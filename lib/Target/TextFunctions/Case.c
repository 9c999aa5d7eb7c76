// Small letters and capitals of UTF-8, by Unicode's simple mappings.
#include "Text.h"

/// Code points first, first + step, ... last, that are mapped to what is `distance` away.
typedef struct Stretch {
  uint32_t first, last, step;
  int32_t distance;
} Stretch;

#include "CaseMappings.inc"

/// Bytes of the code point at `at`, which is stored; 0 where there is none in UTF-8.
static uintptr_t decode(const unsigned char *at, uint32_t *code) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  uintptr_t length = *at < 0x80 ? 1 : *at < 0xC0 ? 0 : *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : *at < 0xF8 ? 4 : 0;
  *code = length > 1 ? *at & (0x7Fu >> length) : *at;
  for (uintptr_t i = 1; i < length; ++i) {
    if ((at[i] & 0xC0) != 0x80)
      return 0;
    *code = *code << 6 | (at[i] & 0x3F);
  }
  return *code < least[length] || *code > 0x10FFFF ? 0 : length;
}

static uintptr_t getEncodedLength(uint32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

static void encode(unsigned char *to, uint32_t code) {
  uintptr_t length = getEncodedLength(code);
  for (uintptr_t i = length; i-- > 1; code >>= 6)
    to[i] = (unsigned char)(0x80 | (code & 0x3F));
  to[0] = (unsigned char)(length == 1 ? code : (0xF00u >> length & 0xF0) | code);
}

/// How case is changed.
enum { toCapitals = 1, onlyAscii = 2 };

static uint32_t changeCase(uint32_t code, uintptr_t how) {
  int upper = (how & toCapitals) != 0;
  if (code < 0x80) {
    uint32_t first = upper ? 'a' : 'A';
    return code - first < 26 ? code ^ 32 : code;
  }
  if (how & onlyAscii)
    return code;
  const Stretch *stretches = upper ? toUpper : toLower;
  uintptr_t low = 0, high = (upper ? sizeof toUpper : sizeof toLower) / sizeof(Stretch);
  while (low < high) {
    uintptr_t middle = low + (high - low) / 2;
    const Stretch *at = &stretches[middle];
    if (code < at->first)
      high = middle;
    else if (code > at->last)
      low = middle + 1;
    else
      return (code - at->first) % at->step ? code : code + (uint32_t)at->distance;
  }
  return code;
}

/// Bytes of the result; it is written to `to` where that is not null.
static uintptr_t mapCase(const unsigned char *at, uintptr_t how, unsigned char *to) {
  uintptr_t total = 0, length;
  for (; *at; at += length) {
    uint32_t code;
    length = decode(at, &code);
    if (!length) { // not UTF-8: this byte stays
      if (to)
        to[total] = *at;
      ++total;
      length = 1;
      continue;
    }
    code = changeCase(code, how);
    if (to)
      encode(to + total, code);
    total += getEncodedLength(code);
  }
  return total;
}

uintptr_t nnc_text_change_case(uintptr_t space, uintptr_t text, uintptr_t how) {
  const unsigned char *from = bytesAt(text);
  uintptr_t length = mapCase(from, how, 0);
  unsigned char *to = length ? nnc_text_take((TextSpace *)space, length) : 0;
  if (!to)
    return nnc_text_copy((TextSpace *)space, from, 0);
  mapCase(from, how, to);
  return (uintptr_t)to;
}
