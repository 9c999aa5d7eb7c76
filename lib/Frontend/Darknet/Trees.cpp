// Trees of classes: one line per class, its name and the number of its parent. Consecutive classes of one parent are a
// group whose probabilities sum up to 1.
#include "lib/Frontend/Darknet/SectionBinder.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace nnc::darknet {

SmallVector<int64_t> readTree(SectionBinder &layer, StringRef name) {
  namespace path = llvm::sys::path;
  // The path was written on another machine: its last part, beside the network.
  SmallString<128> place(layer.getNetwork().folder);
  path::append(place, path::filename(name));
  auto file = frontend::ModelFile::open(place);
  if (!file) {
    (void)layer.reject("the tree '" + place.str() + "' cannot be read: " + llvm::toString(file.takeError()));
    return {};
  }
  SmallVector<int64_t> groups;
  int64_t parent = 0, count = 0;
  StringRef content = file->getContent();
  while (!content.empty()) {
    auto [line, rest] = content.split('\n');
    content = rest;
    SmallVector<StringRef> words;
    line.trim().split(words, ' ', -1, /*KeepEmpty=*/false);
    if (words.empty())
      continue;
    int64_t number;
    if (words.size() != 2 || !llvm::to_integer(words[1], number, 10)) {
      (void)layer.reject("the tree '" + place.str() + "' needs a name and a number on each line");
      return {};
    }
    if (count++ == 0 || number != parent)
      groups.push_back(0);
    parent = number;
    ++groups.back();
  }
  if (groups.empty())
    (void)layer.reject("the tree '" + place.str() + "' is empty");
  return groups;
}

Value softmaxOfGroups(SectionBinder &layer, Value x, ArrayRef<int64_t> groups, int64_t axis) {
  if (layer.failed())
    return {};
  int64_t total = 0;
  for (int64_t group : groups)
    total += group;
  if (total != layer.getShape(x)[axis]) {
    (void)layer.reject("its tree has " + Twine(total) + " classes where the layer has " +
                       Twine(layer.getShape(x)[axis]));
    return {};
  }
  SmallVector<Value> parts;
  int64_t start = 0;
  for (int64_t group : groups) {
    parts.push_back(layer.create<nn::SoftmaxOp>(sliceAxis(layer, x, axis, start, start + group), axis));
    start += group;
  }
  return parts.size() == 1 ? parts.front() : layer.create<nn::ConcatOp>(parts, axis);
}

} // namespace nnc::darknet
