// Comparing, finding, joining and splitting strings.
#include "Text.h"

static const unsigned char empty[1] = {0};

unsigned char *nnc_text_take(TextSpace *space, uintptr_t length) {
  if (length >= space->end - space->next) {
    space->failed = 1;
    return 0;
  }
  unsigned char *bytes = (unsigned char *)space->next;
  space->next += length + 1;
  bytes[length] = 0;
  return bytes;
}

uintptr_t nnc_text_copy(TextSpace *space, const unsigned char *bytes, uintptr_t length) {
  unsigned char *copy = length ? nnc_text_take(space, length) : 0;
  if (!copy)
    return (uintptr_t)empty;
  for (uintptr_t i = 0; i < length; ++i)
    copy[i] = bytes[i];
  return (uintptr_t)copy;
}

/// Below 0, 0, or above: by the bytes.
static int compare(const unsigned char *a, const unsigned char *b) {
  while (*a && *a == *b) {
    ++a;
    ++b;
  }
  return *a - *b;
}

uintptr_t nnc_text_equal(uintptr_t a, uintptr_t b) { return compare(bytesAt(a), bytesAt(b)) == 0; }

/// -1, 0 or 1.
int64_t nnc_text_compare(uintptr_t a, uintptr_t b) {
  int order = compare(bytesAt(a), bytesAt(b));
  return order < 0 ? -1 : order > 0;
}

/// The place of `text` among `count` keys, which ascend and begin at `offsets` of `pool`; -1 where it is none of them.
int64_t nnc_text_find(uintptr_t text, uintptr_t pool, uintptr_t offsets, uintptr_t count) {
  const uint32_t *starts = (const uint32_t *)offsets;
  uintptr_t low = 0, high = count;
  while (low < high) {
    uintptr_t middle = low + (high - low) / 2;
    int order = compare(bytesAt(text), bytesAt(pool + starts[middle]));
    if (order == 0)
      return (int64_t)middle;
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return -1;
}

/// Whether the automaton accepts `text`: `classes` has the class of each byte, `transitions` for each state the next one
/// for each of `numClasses` classes. State 0 accepts nothing.
uintptr_t nnc_text_match(uintptr_t text, uintptr_t classes, uintptr_t transitions, uintptr_t numClasses, uintptr_t start) {
  const unsigned char *at = bytesAt(text), *classOf = bytesAt(classes);
  const uint16_t *next = (const uint16_t *)transitions;
  uintptr_t state = start;
  while (*at && state)
    state = next[state * numClasses + classOf[*at++]];
  return next[state * numClasses + classOf[0]];
}

uintptr_t nnc_text_concat(uintptr_t space, uintptr_t a, uintptr_t b) {
  const unsigned char *first = bytesAt(a), *second = bytesAt(b);
  uintptr_t lengthA = getLength(first), lengthB = getLength(second);
  if (!lengthA || !lengthB)
    return lengthA ? a : b;
  unsigned char *joined = nnc_text_take((TextSpace *)space, lengthA + lengthB);
  if (!joined)
    return (uintptr_t)empty;
  for (uintptr_t i = 0; i < lengthA; ++i)
    joined[i] = first[i];
  for (uintptr_t i = 0; i < lengthB; ++i)
    joined[lengthA + i] = second[i];
  return (uintptr_t)joined;
}

/// Whether `c`, no zero, is one of the bytes of a string.
static int isIn(unsigned char c, const unsigned char *set) {
  while (*set && *set != c)
    ++set;
  return *set != 0;
}

/// `text` without the bytes of a string of ASCII.
uintptr_t nnc_text_remove(uintptr_t space, uintptr_t text, uintptr_t characters) {
  const unsigned char *from = bytesAt(text), *set = bytesAt(characters);
  uintptr_t length = 0, kept = 0;
  for (; from[length]; ++length)
    kept += !isIn(from[length], set);
  if (kept == length)
    return text;
  unsigned char *to = kept ? nnc_text_take((TextSpace *)space, kept) : 0;
  if (!to)
    return (uintptr_t)empty;
  for (; *from; ++from)
    if (!isIn(*from, set))
      *to++ = *from;
  return (uintptr_t)(to - kept);
}

//===--- Splitting ---===//

/// What is still to be split.
typedef struct Rest {
  const unsigned char *at; ///< null: nothing is left
  const unsigned char *delimiter; ///< null: characters are split off; empty: at gaps
  const unsigned char *words; ///< what is in no gap; empty: all but white space
  int64_t splits; ///< that may still be done; below 0: any number
} Rest;

static int isSpace(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// The bytes of the delimiter where `at` begins with it, else 0.
static uintptr_t getDelimiter(const unsigned char *at, const unsigned char *delimiter) {
  uintptr_t length = 0;
  while (delimiter[length] && at[length] == delimiter[length])
    ++length;
  return delimiter[length] ? 0 : length;
}

static int isInGap(unsigned char c, const unsigned char *words) {
  return *words ? c && !isIn(c, words) : isSpace(c);
}

static Rest startSplitting(const unsigned char *text, const unsigned char *delimiter, const unsigned char *words,
                           int64_t maxSplits) {
  int isAtGaps = delimiter && !delimiter[0];
  while (isAtGaps && isInGap(*text, words))
    ++text;
  if ((isAtGaps || !delimiter) && !*text)
    text = 0;
  return (Rest){text, delimiter, words, maxSplits};
}

/// The length of the piece at rest->at, which then is what is behind the delimiter.
static uintptr_t takePiece(Rest *rest) {
  const unsigned char *begin = rest->at, *at = begin;
  if (rest->splits == 0) { // without the gap at its end
    uintptr_t length = getLength(begin);
    while (rest->delimiter && !rest->delimiter[0] && length && isInGap(begin[length - 1], rest->words))
      --length;
    rest->at = 0;
    return length;
  }
  --rest->splits;
  if (!rest->delimiter) {
    ++at;
    while ((*at & 0xC0) == 0x80)
      ++at;
    rest->at = *at ? at : 0;
    return (uintptr_t)(at - begin);
  }
  if (rest->delimiter[0]) {
    uintptr_t length = 0;
    while (*at && !(length = getDelimiter(at, rest->delimiter)))
      ++at;
    rest->at = *at ? at + length : 0;
    return (uintptr_t)(at - begin);
  }
  while (*at && !isInGap(*at, rest->words))
    ++at;
  const unsigned char *next = at;
  while (isInGap(*next, rest->words))
    ++next;
  rest->at = *next ? next : 0;
  return (uintptr_t)(at - begin);
}

/// How many pieces there are; more than `limit` are a failure.
int64_t nnc_text_count(uintptr_t space, uintptr_t text, uintptr_t delimiter, uintptr_t words, int64_t maxSplits,
                       int64_t limit) {
  int64_t count = 0;
  for (Rest rest = startSplitting(bytesAt(text), bytesAt(delimiter), bytesAt(words), maxSplits); rest.at; ++count) {
    if (count == limit) {
      ((TextSpace *)space)->failed = 1;
      return limit;
    }
    takePiece(&rest);
  }
  return count;
}

/// Piece `number`, empty where there are fewer.
uintptr_t nnc_text_piece(uintptr_t space, uintptr_t text, uintptr_t delimiter, uintptr_t words, int64_t maxSplits,
                         int64_t number) {
  Rest rest = startSplitting(bytesAt(text), bytesAt(delimiter), bytesAt(words), maxSplits);
  while (rest.at) {
    const unsigned char *begin = rest.at;
    uintptr_t length = takePiece(&rest);
    if (number-- == 0)
      return nnc_text_copy((TextSpace *)space, begin, length);
  }
  return (uintptr_t)empty;
}
