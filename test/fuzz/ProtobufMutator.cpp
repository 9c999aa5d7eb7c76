// Mutations that know protobuf's wire format (https://protobuf.dev/programming-guides/encoding): fields are removed, repeated,
// renumbered, exchanged, given odd numbers or damaged bytes, and all lengths around them stay right, so that what a file says
// reaches the reader rather than the parser's first check. A text in front (Caffe's network) ends at the first 0 byte.
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

using llvm::StringRef;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t limit);

namespace {

enum WireType : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// One field. The bytes of a nested message are its `fields`; those of anything else `bytes`.
struct Field {
  uint64_t number = 0;
  WireType type = Varint;
  uint64_t scalar = 0;
  bool isMessage = false;
  std::string bytes;
  std::vector<Field> fields;
};

using Message = std::vector<Field>;

bool takeVarint(StringRef &from, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    uint8_t byte = from.front();
    from = from.drop_front();
    value |= uint64_t(byte & 0x7f) << shift;
    if (byte < 0x80)
      return true;
  }
  return false;
}

bool takeFixed(StringRef &from, unsigned size, uint64_t &value) {
  if (from.size() < size)
    return false;
  value = 0;
  for (unsigned at = 0; at < size; ++at)
    value |= uint64_t(uint8_t(from[at])) << 8 * at;
  from = from.drop_front(size);
  return true;
}

/// Whether `from` reads as a message to its end. Bytes that read as one are taken as one: a name that happens to is none the worse.
bool parse(StringRef from, unsigned depth, Message &message) {
  while (!from.empty()) {
    Field field;
    uint64_t tag, length;
    if (!takeVarint(from, tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
      return false;
    field.number = tag >> 3;
    field.type = WireType(tag & 7);
    switch (field.type) {
    case Varint:
      if (!takeVarint(from, field.scalar))
        return false;
      break;
    case Fixed64:
    case Fixed32:
      if (!takeFixed(from, field.type == Fixed64 ? 8 : 4, field.scalar))
        return false;
      break;
    case Bytes:
      if (!takeVarint(from, length) || length > from.size())
        return false;
      field.bytes = from.take_front(length).str();
      from = from.drop_front(length);
      field.isMessage = depth > 0 && length > 1 && parse(field.bytes, depth - 1, field.fields);
      if (!field.isMessage)
        field.fields.clear();
      break;
    default:
      return false;
    }
    message.push_back(std::move(field));
  }
  return true;
}

void putVarint(uint64_t value, std::string &to) {
  for (; value >= 0x80; value >>= 7)
    to.push_back(char(value | 0x80));
  to.push_back(char(value));
}

std::string serialise(const Message &message) {
  std::string to;
  for (const Field &field : message) {
    putVarint(field.number << 3 | field.type, to);
    if (field.type == Varint) {
      putVarint(field.scalar, to);
    } else if (field.type == Bytes) {
      std::string bytes = field.isMessage ? serialise(field.fields) : field.bytes;
      putVarint(bytes.size(), to);
      to += bytes;
    } else {
      for (unsigned at = 0; at < (field.type == Fixed64 ? 8u : 4u); ++at)
        to.push_back(char(field.scalar >> 8 * at));
    }
  }
  return to;
}

/// A message in the tree and a field in it.
struct Place {
  Message *message;
  size_t index;
  Field &operator*() const { return (*message)[index]; }
};

void listPlaces(Message &message, std::vector<Place> &places) {
  for (size_t index = 0; index < message.size(); ++index) {
    places.push_back({&message, index});
    listPlaces(message[index].fields, places);
  }
}

class Mutator {
public:
  explicit Mutator(unsigned seed) : random(seed) {}

  size_t below(size_t limit) { return random() % limit; }

  /// One change somewhere in `message`, taking fields of `other` where it inserts; at most `room` bytes are added to a leaf.
  void mutate(Message &message, Message &other, size_t room) {
    std::vector<Place> places, others;
    listPlaces(message, places);
    listPlaces(other, others);
    if (places.empty() || others.empty())
      return;
    Place place = places[below(places.size())];
    Message &around = *place.message;
    Field &field = *place;
    Field taken = *others[below(others.size())];
    switch (below(8)) {
    case 0:
      around.erase(around.begin() + place.index);
      return;
    case 1:
      around.insert(around.begin() + below(around.size() + 1), Field(field));
      return;
    case 2:
      std::swap(field, around[below(around.size())]);
      return;
    case 3:
      around.insert(around.begin() + place.index, std::move(taken));
      return;
    case 4: // What another field of the same kind says.
      if (taken.type != field.type)
        break;
      taken.number = field.number;
      field = std::move(taken);
      return;
    case 5:
      field.number = 1 + (field.number + below(5) + 28) % 30;
      return;
    default:
      break;
    }
    change(field, room);
  }

private:
  void change(Field &field, size_t room) {
    static const uint64_t odd[] = {0, 1, 2, 3, 7, 8, 16, 127, 255, 256, 65535, 1u << 20, 0x7fffffff, 0x80000000, 0xffffffff,
                                   1ull << 40, INT64_MAX, uint64_t(INT64_MIN), uint64_t(-1), uint64_t(-2)};
    if (field.type != Bytes) {
      field.scalar = below(3) ? odd[below(std::size(odd))] : field.scalar + below(5) - 2;
      return;
    }
    std::string bytes = field.isMessage ? serialise(field.fields) : field.bytes;
    size_t size = bytes.size();
    bytes.resize(size + std::min<size_t>(room, 64));
    bytes.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t *>(bytes.data()), size, bytes.size()));
    field.bytes = std::move(bytes);
    field.isMessage = false;
    field.fields.clear();
  }

  std::minstd_rand random;
};

/// Where the message begins: behind the first 0 byte of a file that begins with a text.
size_t findMessage(StringRef file) {
  size_t end = file.find('\0');
  bool isText = llvm::all_of(file.take_front(8), [](char c) { return (c >= ' ' && c < 127) || c == '\n' || c == '\t'; });
  return isText && end != StringRef::npos ? end + 1 : 0;
}

size_t mutateFile(uint8_t *data, size_t size, size_t limit, StringRef other, unsigned seed) {
  Mutator mutator(seed);
  StringRef file(reinterpret_cast<const char *>(data), size);
  size_t begin = findMessage(file);
  Message message, another;
  bool isWhole = mutator.below(10) == 0 || (begin && mutator.below(2));
  if (isWhole || size > limit || !parse(file.drop_front(begin), 12, message) ||
      !parse(other.drop_front(findMessage(other)), 12, another))
    return LLVMFuzzerMutate(data, size, limit);
  for (size_t changes = 1 + mutator.below(3); changes > 0; --changes)
    mutator.mutate(message, another, limit - size);
  std::string bytes = serialise(message);
  if (bytes.empty() || begin + bytes.size() > limit)
    return LLVMFuzzerMutate(data, size, limit);
  llvm::copy(bytes, data + begin);
  return begin + bytes.size();
}

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned seed) {
  std::string same(reinterpret_cast<const char *>(data), size);
  return mutateFile(data, size, limit, same, seed);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other, size_t otherSize,
                                            uint8_t *out, size_t limit, unsigned seed) {
  size_t copied = std::min(size, limit);
  std::copy(data, data + copied, out);
  return mutateFile(out, copied, limit, StringRef(reinterpret_cast<const char *>(other), otherSize), seed);
}
