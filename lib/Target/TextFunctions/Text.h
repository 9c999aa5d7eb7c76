// Functions that compiled models call for tensors of strings. They become bitcode,
// once for pointers of 64 and once for 32 bits, which lib/Target links into a
// model that needs them: no libc, nothing that depends on the target. Strings and
// tables come as addresses, because that is what elements are; a string is UTF-8
// that ends with a zero.
#ifndef LIB_TARGET_TEXTFUNCTIONS_TEXT_H
#define LIB_TARGET_TEXTFUNCTIONS_TEXT_H

#include <stdint.h>

/// Where a run puts the strings that it makes, at the start of that memory. `failed` is set, and stays so, where there
/// is no room for one, or where one that is read is no number.
typedef struct TextSpace {
  uintptr_t next, end, failed;
} TextSpace;

/// An address and the bytes behind it.
static inline const unsigned char *bytesAt(uintptr_t address) { return (const unsigned char *)address; }

/// Bytes of `text` without the zero.
static inline uintptr_t getLength(const unsigned char *text) {
  uintptr_t length = 0;
  while (text[length])
    ++length;
  return length;
}

/// Memory for `length` bytes and a zero, which is there already; null, with `failed` set, where there is no room.
unsigned char *nnc_text_take(TextSpace *space, uintptr_t length);

/// A copy of `length` bytes as a string; an empty one where there is no room.
uintptr_t nnc_text_copy(TextSpace *space, const unsigned char *bytes, uintptr_t length);

#endif // LIB_TARGET_TEXTFUNCTIONS_TEXT_H
