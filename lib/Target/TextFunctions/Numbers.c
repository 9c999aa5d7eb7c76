// Numbers as strings and back, correctly rounded: by arithmetic of integers as
// long as it takes.
#include "Text.h"

//===--- Long integers ---===//

/// Little-endian; 10^1124 and what divides it, shifted by 64 bits, have less.
enum { maxWords = 136 };

typedef struct Long {
  int32_t count;
  uint32_t words[maxWords];
} Long;

/// a * factor + carry.
static void multiply(Long *a, uint32_t factor, uint32_t carry) {
  for (int32_t i = 0; i < a->count; ++i) {
    uint64_t product = (uint64_t)a->words[i] * factor + carry;
    a->words[i] = (uint32_t)product;
    carry = (uint32_t)(product >> 32);
  }
  if (carry)
    a->words[a->count++] = carry;
}

static int32_t getBits(const Long *a) {
  if (!a->count)
    return 0;
  int32_t bits = 32 * (a->count - 1);
  for (uint32_t top = a->words[a->count - 1]; top; top >>= 1)
    ++bits;
  return bits;
}

static void shiftLeft(Long *a, int32_t bits) {
  int32_t words = bits / 32;
  bits %= 32;
  if (!a->count)
    return;
  a->words[a->count] = 0;
  for (int32_t i = a->count; i >= 0; --i) {
    uint32_t low = i ? a->words[i - 1] : 0;
    a->words[i + words] = bits ? (a->words[i] << bits) | (low >> (32 - bits)) : a->words[i];
  }
  for (int32_t i = 0; i < words; ++i)
    a->words[i] = 0;
  a->count += words + 1;
  if (!a->words[a->count - 1])
    --a->count;
}

static void halve(Long *a) {
  for (int32_t i = 0; i < a->count; ++i)
    a->words[i] = (a->words[i] >> 1) | (i + 1 < a->count ? a->words[i + 1] << 31 : 0);
  if (a->count && !a->words[a->count - 1])
    --a->count;
}

/// Subtracts b where a is not less; whether it was not.
static int subtract(Long *a, const Long *b) {
  if (a->count < b->count)
    return 0;
  for (int32_t i = a->count - 1; i >= 0; --i) {
    uint32_t other = i < b->count ? b->words[i] : 0;
    if (a->words[i] < other)
      return 0;
    if (a->words[i] > other)
      break;
  }
  uint64_t borrow = 0;
  for (int32_t i = 0; i < a->count; ++i) {
    uint64_t difference = (uint64_t)a->words[i] - (i < b->count ? b->words[i] : 0) - borrow;
    a->words[i] = (uint32_t)difference;
    borrow = difference >> 63;
  }
  while (a->count && !a->words[a->count - 1])
    --a->count;
  return 1;
}

/// Divides by 10^9; the remainder.
static uint32_t divide(Long *a) {
  uint64_t remainder = 0;
  for (int32_t i = a->count - 1; i >= 0; --i) {
    remainder = (remainder << 32) | a->words[i];
    a->words[i] = (uint32_t)(remainder / 1000000000);
    remainder %= 1000000000;
  }
  while (a->count && !a->words[a->count - 1])
    --a->count;
  return (uint32_t)remainder;
}

//===--- To strings ---===//

/// `digits` decimal digits of `value`, the last before `end`; where they begin.
static unsigned char *writeDigits(unsigned char *end, uint64_t value, int32_t digits) {
  for (; value || digits > 0; --digits) {
    *--end = (unsigned char)('0' + value % 10);
    value /= 10;
  }
  return end;
}

uintptr_t nnc_text_of_integer(uintptr_t space, int64_t value, uintptr_t isUnsigned) {
  unsigned char text[24], *end = text + sizeof text;
  int isNegative = value < 0 && !isUnsigned;
  unsigned char *at = writeDigits(end, isNegative ? 0 - (uint64_t)value : (uint64_t)value, 1);
  if (isNegative)
    *--at = '-';
  return nnc_text_copy((TextSpace *)space, at, (uintptr_t)(end - at));
}

/// The digits of a / 10^scale, rounded to 8; the power of ten of the first.
static int32_t roundDigits(Long *a, int32_t scale, unsigned char digits[8]) {
  // All digits, from the last on; a has at most 86 * 9 + 32.
  static const int32_t room = 1200;
  unsigned char all[1200], *end = all + room, *at = end;
  while (a->count)
    at = writeDigits(at, divide(a), 9);
  while (*at == '0')
    ++at;
  int32_t count = (int32_t)(end - at), first = count - 1 - scale;
  for (int32_t i = 0; i < 8; ++i)
    digits[i] = i < count ? at[i] : '0';
  if (count <= 8)
    return first;
  int isMore = at[8] > '5', isHalf = at[8] == '5';
  for (int32_t i = 9; isHalf && !isMore && i < count; ++i)
    isMore = at[i] != '0';
  if (!isMore && !(isHalf && (digits[7] - '0') % 2))
    return first;
  int32_t place = 7;
  for (; place >= 0 && digits[place] == '9'; --place)
    digits[place] = '0';
  if (place >= 0) {
    ++digits[place];
    return first;
  }
  digits[0] = '1';
  return first + 1;
}

/// As C's %.8g.
static unsigned char *writeFloat(unsigned char *to, const unsigned char digits[8], int32_t power) {
  int32_t count = 8;
  while (count > 1 && digits[count - 1] == '0')
    --count;
  if (power < -4 || power >= 8) {
    *to++ = digits[0];
    if (count > 1)
      *to++ = '.';
    for (int32_t i = 1; i < count; ++i)
      *to++ = digits[i];
    *to++ = 'e';
    *to++ = power < 0 ? '-' : '+';
    uint32_t magnitude = (uint32_t)(power < 0 ? -power : power);
    int32_t width = magnitude < 100 ? 2 : 3;
    writeDigits(to + width, magnitude, width);
    return to + width;
  }
  if (power < 0) {
    *to++ = '0';
    *to++ = '.';
    for (int32_t i = -1; i > power; --i)
      *to++ = '0';
  }
  for (int32_t i = 0; i < count || i <= power; ++i) {
    if (i && i == power + 1)
      *to++ = '.';
    *to++ = i < count ? digits[i] : '0';
  }
  return to;
}

uintptr_t nnc_text_of_float(uintptr_t space, double value) {
  union {
    double number;
    uint64_t bits;
  } parts = {value};
  unsigned char text[32], *end = text;
  uint64_t mantissa = parts.bits & ((1ull << 52) - 1);
  int32_t exponent = (int32_t)(parts.bits >> 52 & 2047);
  if (exponent == 2047)
    return mantissa ? nnc_text_copy((TextSpace *)space, (const unsigned char *)"NaN", 3)
                    : nnc_text_copy((TextSpace *)space, (const unsigned char *)"-INF" + !(parts.bits >> 63), 3 + (parts.bits >> 63));
  if (parts.bits >> 63)
    *end++ = '-';
  if (!exponent && !mantissa) {
    *end++ = '0';
    return nnc_text_copy((TextSpace *)space, text, (uintptr_t)(end - text));
  }
  mantissa |= exponent ? 1ull << 52 : 0;
  exponent = (exponent ? exponent : 1) - 1075;
  for (; !(mantissa & 1) && exponent < 0; ++exponent)
    mantissa >>= 1;
  Long a;
  a.words[0] = (uint32_t)mantissa;
  a.words[1] = (uint32_t)(mantissa >> 32);
  a.count = a.words[1] ? 2 : 1;
  int32_t scale = exponent < 0 ? -exponent : 0;
  if (exponent > 0)
    shiftLeft(&a, exponent);
  int32_t left = scale;
  for (; left >= 13; left -= 13)
    multiply(&a, 1220703125, 0); // 5^13
  for (; left > 0; --left)
    multiply(&a, 5, 0);
  unsigned char digits[8];
  int32_t power = roundDigits(&a, scale, digits);
  end = writeFloat(end, digits, power);
  return nnc_text_copy((TextSpace *)space, text, (uintptr_t)(end - text));
}

//===--- From strings ---===//

static const unsigned char *skipSpace(const unsigned char *at) {
  while (*at == ' ' || (*at >= '\t' && *at <= '\r'))
    ++at;
  return at;
}

static int isDigit(unsigned char c) { return c >= '0' && c <= '9'; }

/// Whether `at` begins with `word`, which is of small letters, in letters of any size.
static int hasWord(const unsigned char *at, const char *word) {
  for (; *word; ++word, ++at)
    if ((*at | 32) != *word)
      return 0;
  return 1;
}

/// The whole string may be a number and white space on both sides; else the run fails.
static void requireEnd(TextSpace *space, const unsigned char *at, int hasDigits) {
  if (!hasDigits || *skipSpace(at))
    space->failed = 1;
}

int64_t nnc_text_to_integer(uintptr_t space, uintptr_t text, uintptr_t isUnsigned) {
  const unsigned char *at = skipSpace(bytesAt(text));
  int isNegative = *at == '-';
  if (*at == '-' || *at == '+')
    ++at;
  const unsigned char *begin = at;
  uint64_t value = 0, most = isUnsigned ? ~0ull : (1ull << 63) - 1 + (uint64_t)isNegative;
  int isTooLarge = isNegative && isUnsigned;
  for (; isDigit(*at); ++at) {
    uint64_t digit = (uint64_t)(*at - '0');
    if (value > (most - digit) / 10)
      isTooLarge = 1;
    value = value * 10 + digit;
  }
  requireEnd((TextSpace *)space, at, at != begin && !isTooLarge);
  return (int64_t)(isNegative ? 0 - value : value);
}

/// The decimal digits that are read, and the power of ten of the last.
typedef struct Decimal {
  Long digits;
  int32_t power;
} Decimal;

enum { maxDigits = 800 }; // more than the 767 that can decide a rounding; whether there are others decides the rest

/// Reads digits with a point; where they end, null where there are none.
static const unsigned char *readDigits(Decimal *decimal, const unsigned char *at) {
  int32_t count = 0;
  int hasPoint = 0, hasDigits = 0, isTruncated = 0;
  decimal->digits.count = 0;
  decimal->power = 0;
  for (;; ++at) {
    if (*at == '.' && !hasPoint) {
      hasPoint = 1;
      continue;
    }
    if (!isDigit(*at))
      break;
    hasDigits = 1;
    int isKept = count < maxDigits;
    if (isKept) {
      count += count || *at != '0';
      multiply(&decimal->digits, 10, (uint32_t)(*at - '0'));
    } else {
      isTruncated |= *at != '0';
    }
    if (decimal->power < 100000 && decimal->power > -100000)
      decimal->power += (isKept ? 0 : 1) - hasPoint;
  }
  if (isTruncated)
    decimal->digits.words[0] |= 1; // 10^800 is even: a last digit that is not zero
  return hasDigits ? at : 0;
}

/// An exponent behind the digits; where it ends.
static const unsigned char *readExponent(Decimal *decimal, const unsigned char *at) {
  if ((*at | 32) != 'e')
    return at;
  const unsigned char *next = at + 1;
  int isNegative = *next == '-';
  if (*next == '-' || *next == '+')
    ++next;
  if (!isDigit(*next))
    return at;
  int32_t exponent = 0;
  for (; isDigit(*next); ++next)
    if (exponent < 100000)
      exponent = exponent * 10 + (*next - '0');
  decimal->power += isNegative ? -exponent : exponent;
  return next;
}

static void multiplyByTens(Long *a, int32_t power) {
  for (; power >= 9; power -= 9)
    multiply(a, 1000000000, 0);
  for (; power > 0; --power)
    multiply(a, 10, 0);
}

/// The bits of the nearest float with `precision` bits of mantissa and exponents down to `least` (of the last bit) up to
/// `most`, halves to even: mantissa * 2^exponent as a double, which it is exactly.
static double roundDecimal(Decimal *decimal, int32_t precision, int32_t least, int32_t most) {
  union {
    uint64_t bits;
    double number;
  } result = {0};
  Long *a = &decimal->digits, b;
  if (!a->count || decimal->power < -1130)
    return 0;
  if (decimal->power > 310) {
    result.bits = 2047ull << 52;
    return result.number;
  }
  b.count = 1;
  b.words[0] = 1;
  multiplyByTens(decimal->power >= 0 ? a : &b, decimal->power < 0 ? -decimal->power : decimal->power);
  // quotient = a * 2^-exponent / b has precision + 1 or + 2 bits, or fewer of a subnormal number.
  int32_t exponent = getBits(a) - getBits(&b) - precision - 1;
  exponent = exponent < least - 1 ? least - 1 : exponent;
  if (exponent < 0)
    shiftLeft(a, -exponent);
  else
    shiftLeft(&b, exponent);
  uint64_t quotient = 0;
  int32_t steps = precision + 2;
  shiftLeft(&b, steps);
  for (int32_t i = 0; i <= steps; ++i) {
    quotient = quotient << 1 | (uint64_t)subtract(a, &b);
    halve(&b);
  }
  uint64_t sticky = a->count != 0;
  while (quotient >> (precision + 1)) {
    sticky |= quotient & 1;
    quotient >>= 1;
    ++exponent;
  }
  // One bit more than the mantissa: what decides, together with the rest.
  uint64_t half = quotient & 1;
  quotient >>= 1;
  ++exponent;
  quotient += half & (sticky | (quotient & 1));
  if (!quotient)
    return 0;
  while (!(quotient >> 52) && quotient) { // a double's own form
    quotient <<= 1;
    --exponent;
  }
  if (quotient >> 53) {
    quotient >>= 1;
    ++exponent;
  }
  if (exponent + 52 > most) {
    result.bits = 2047ull << 52;
    return result.number;
  }
  if (exponent < -1074) { // only of f64
    quotient >>= -1074 - exponent;
    result.bits = quotient;
    return result.number;
  }
  result.bits = (quotient & ((1ull << 52) - 1)) | (uint64_t)(exponent + 1075) << 52;
  return result.number;
}

/// The nearest double, or where `isSingle` the nearest float.
double nnc_text_to_float(uintptr_t space, uintptr_t text, uintptr_t isSingle) {
  const unsigned char *at = skipSpace(bytesAt(text));
  union {
    uint64_t bits;
    double number;
  } special = {2047ull << 52};
  int isNegative = *at == '-';
  if (*at == '-' || *at == '+')
    ++at;
  double value = 0;
  if (hasWord(at, "nan")) {
    special.bits |= 1ull << 51;
    value = special.number;
    requireEnd((TextSpace *)space, at + 3, 1);
  } else if (hasWord(at, "inf")) {
    value = special.number;
    requireEnd((TextSpace *)space, at + (hasWord(at, "infinity") ? 8 : 3), 1);
  } else {
    Decimal decimal;
    const unsigned char *end = readDigits(&decimal, at);
    if (end) {
      end = readExponent(&decimal, end);
      value = isSingle ? roundDecimal(&decimal, 24, -149, 127) : roundDecimal(&decimal, 53, -1074, 1023);
    }
    requireEnd((TextSpace *)space, end ? end : at, end != 0);
  }
  special.number = value;
  special.bits |= (uint64_t)isNegative << 63;
  return special.number;
}
