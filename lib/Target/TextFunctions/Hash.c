// Hashes of strings: FarmHash's Fingerprint64 (which is that of farmhashna), SipHash-2-4 and MurmurHash3_x86_32, on the
// bytes without the zero.
#include "Text.h"

static const uint64_t primes[] = {0xc3a5c85c97cb3127u, 0xb492b66fbe98f273u, 0x9ae16a3b2f90404fu};

/// `count` bytes, the lowest first.
static uint64_t load(const unsigned char *at, uintptr_t count) {
  uint64_t value = 0;
  for (uintptr_t i = 0; i < count; ++i)
    value |= (uint64_t)at[i] << (8 * i);
  return value;
}

static uint64_t load64(const unsigned char *at) { return load(at, 8); }

static uint64_t rotateRight(uint64_t value, unsigned by) { return value >> by | value << (64 - by); }

//===--- Fingerprint64 ---===//

static uint64_t mix(uint64_t value) { return value ^ value >> 47; }

static uint64_t join(uint64_t u, uint64_t v, uint64_t factor) {
  uint64_t a = mix((u ^ v) * factor);
  return mix((v ^ a) * factor) * factor;
}

static uint64_t hashUpTo16(const unsigned char *text, uintptr_t length) {
  uint64_t factor = primes[2] + length * 2;
  if (length >= 8) {
    uint64_t a = load64(text) + primes[2], b = load64(text + length - 8);
    return join(rotateRight(b, 37) * factor + a, (rotateRight(a, 25) + b) * factor, factor);
  }
  if (length >= 4)
    return join(length + (load(text, 4) << 3), load(text + length - 4, 4), factor);
  if (!length)
    return primes[2];
  uint32_t y = text[0] + ((uint32_t)text[length / 2] << 8), z = (uint32_t)length + ((uint32_t)text[length - 1] << 2);
  return mix(y * primes[2] ^ z * primes[0]) * primes[2];
}

/// From 17 bytes on: the first and the last 16; the other number that is made on the way goes to `second`.
static uint64_t hashEnds(const unsigned char *text, uintptr_t length, uint64_t first, uint64_t *second) {
  uint64_t factor = primes[2] + length * 2;
  uint64_t a = load64(text) * first, b = load64(text + 8);
  uint64_t c = load64(text + length - 8) * factor, d = load64(text + length - 16) * primes[2];
  *second = a + rotateRight(b + primes[2], 18) + c;
  return rotateRight(a + b, 43) + rotateRight(c, 30) + d;
}

static uint64_t hashUpTo32(const unsigned char *text, uintptr_t length) {
  uint64_t second, first = hashEnds(text, length, primes[1], &second);
  return join(first, second, primes[2] + length * 2);
}

static uint64_t hashUpTo64(const unsigned char *text, uintptr_t length) {
  uint64_t factor = primes[2] + length * 2;
  uint64_t second, y = hashEnds(text, length, primes[2], &second), z = join(y, second, factor);
  uint64_t a = load64(text) * primes[2], e = load64(text + 16) * factor, f = load64(text + 24);
  uint64_t g = (y + load64(text + length - 32)) * factor, h = (z + load64(text + length - 24)) * factor;
  return join(rotateRight(e + f, 43) + rotateRight(g, 30) + h, e + rotateRight(f + a, 18) + g, factor);
}

typedef struct Pair {
  uint64_t first, second;
} Pair;

/// 32 bytes.
static Pair hashBlock(const unsigned char *text, uint64_t a, uint64_t b) {
  a += load64(text);
  b = rotateRight(b + a + load64(text + 24), 21);
  uint64_t before = a;
  a += load64(text + 8) + load64(text + 16);
  return (Pair){a + load64(text + 24), b + rotateRight(a, 44) + before};
}

/// Of a string of more than 64 bytes, 64 at a time.
typedef struct State {
  uint64_t x, y, z;
  Pair v, w;
} State;

static void addBlock(State *state, const unsigned char *text, uint64_t factor, uint64_t weight) {
  state->x = rotateRight(state->x + state->y + state->v.first + load64(text + 8), 37) * factor;
  state->y = rotateRight(state->y + state->v.second + load64(text + 48), 42) * factor;
  state->x ^= state->w.second * weight;
  state->y += state->v.first * weight + load64(text + 40);
  state->z = rotateRight(state->z + state->w.first, 33) * factor;
  state->v = hashBlock(text, state->v.second * factor, state->x + state->w.first);
  state->w = hashBlock(text + 32, state->z + state->w.second, state->y + load64(text + 16));
  uint64_t z = state->z;
  state->z = state->x;
  state->x = z;
}

static uint64_t hashLong(const unsigned char *text, uintptr_t length) {
  const uint64_t seed = 81;
  State state = {seed * primes[2] + load64(text), seed * primes[1] + 113, 0, {0, 0}, {0, 0}};
  state.z = mix(state.y * primes[2] + 113) * primes[2];
  const unsigned char *at = text, *end = text + (length - 1) / 64 * 64;
  for (; at != end; at += 64)
    addBlock(&state, at, primes[1], 1);
  uint64_t rest = (length - 1) % 64, factor = primes[1] + ((state.z & 0xff) << 1);
  state.w.first += rest;
  state.v.first += state.w.first;
  state.w.first += state.v.first;
  addBlock(&state, text + length - 64, factor, 9);
  return join(join(state.v.first, state.w.first, factor) + mix(state.y) * primes[0] + state.z,
              join(state.v.second, state.w.second, factor) + state.x, factor);
}

int64_t nnc_text_fingerprint(uintptr_t text) {
  const unsigned char *bytes = bytesAt(text);
  uintptr_t length = getLength(bytes);
  return (int64_t)(length <= 16   ? hashUpTo16(bytes, length)
                   : length <= 32 ? hashUpTo32(bytes, length)
                   : length <= 64 ? hashUpTo64(bytes, length)
                                  : hashLong(bytes, length));
}

//===--- SipHash ---===//

static uint64_t rotateLeft(uint64_t value, unsigned by) { return value << by | value >> (64 - by); }

static void turn(uint64_t *v, int rounds) {
  for (; rounds > 0; --rounds) {
    v[0] += v[1];
    v[1] = rotateLeft(v[1], 13) ^ v[0];
    v[0] = rotateLeft(v[0], 32);
    v[2] += v[3];
    v[3] = rotateLeft(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotateLeft(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotateLeft(v[1], 17) ^ v[2];
    v[2] = rotateLeft(v[2], 32);
  }
}

int64_t nnc_text_keyed_hash(uintptr_t text, int64_t first, int64_t second) {
  const unsigned char *bytes = bytesAt(text);
  uintptr_t length = getLength(bytes);
  uint64_t k0 = (uint64_t)first, k1 = (uint64_t)second;
  uint64_t v[4] = {0x736f6d6570736575u ^ k0, 0x646f72616e646f6du ^ k1, 0x6c7967656e657261u ^ k0, 0x7465646279746573u ^ k1};
  for (uintptr_t at = 0; at <= length; at += 8) {
    // The last word has the length in its highest byte.
    uint64_t word = length - at >= 8 ? load64(bytes + at) : load(bytes + at, length - at) | (uint64_t)length << 56;
    v[3] ^= word;
    turn(v, 2);
    v[0] ^= word;
  }
  v[2] ^= 0xff;
  turn(v, 4);
  return (int64_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

//===--- MurmurHash3_x86_32 ---===//

static uint32_t rotateWordLeft(uint32_t value, unsigned by) { return value << by | value >> (32 - by); }

static uint32_t spread(uint32_t word) { return rotateWordLeft(word * 0xcc9e2d51u, 15) * 0x1b873593u; }

int64_t nnc_text_seeded_hash(uintptr_t text, int64_t seed) {
  const unsigned char *bytes = bytesAt(text);
  uintptr_t length = getLength(bytes), at = 0;
  uint32_t hash = (uint32_t)seed;
  for (; length - at >= 4; at += 4)
    hash = rotateWordLeft(hash ^ spread((uint32_t)load(bytes + at, 4)), 13) * 5 + 0xe6546b64u;
  hash ^= spread((uint32_t)load(bytes + at, length - at)) ^ (uint32_t)length;
  hash = (hash ^ hash >> 16) * 0x85ebca6bu;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
  return hash ^ hash >> 16;
}
