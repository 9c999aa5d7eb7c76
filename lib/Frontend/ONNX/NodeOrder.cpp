// Sorts nodes by their dependencies; inner graphs' captured names count.
#include "lib/Frontend/ONNX/NodeOrder.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include <set>

using namespace llvm;

namespace nnc::onnx {

/// Deeper nesting of graphs than any exporter writes.
static constexpr unsigned maxDepth = 64;

std::string getNodeName(const ::onnx::NodeProto &node) {
  if (!node.name().empty())
    return node.name();
  if (node.output_size() > 0 && !node.output(0).empty())
    return node.output(0);
  return node.op_type();
}

/// Names that the node reads, those its inner graphs capture included.
static void collectInputs(const ::onnx::NodeProto &node, SetVector<StringRef> &names, unsigned depth) {
  for (const std::string &input : node.input())
    if (!input.empty())
      names.insert(input);
  if (depth > maxDepth)
    return;
  for (const auto &attribute : node.attribute()) {
    if (!attribute.has_g())
      continue;
    StringSet<> local;
    for (const auto &input : attribute.g().input())
      local.insert(input.name());
    for (const auto &initializer : attribute.g().initializer())
      local.insert(initializer.name());
    for (const auto &sparse : attribute.g().sparse_initializer())
      local.insert(sparse.values().name());
    for (const auto &inner : attribute.g().node())
      for (const std::string &output : inner.output())
        local.insert(output);
    SetVector<StringRef> inside;
    for (const auto &inner : attribute.g().node())
      collectInputs(inner, inside, depth + 1);
    for (const auto &output : attribute.g().output())
      inside.insert(output.name());
    for (StringRef name : inside)
      if (!local.contains(name))
        names.insert(name);
  }
}

Expected<SmallVector<const ::onnx::NodeProto *>>
orderNodes(const google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes,
           function_ref<bool(StringRef)> isDefined) {
  auto fail = [](const Twine &message) { return createStringError(message.str()); };
  StringMap<int> producer;
  for (int i = 0; i < nodes.size(); ++i)
    for (const std::string &output : nodes[i].output())
      if (!output.empty() && !producer.try_emplace(output, i).second)
        return fail("'" + output + "' has two producers");

  std::vector<SmallVector<int, 2>> users(nodes.size());
  std::vector<int> waiting(nodes.size(), 0);
  for (int i = 0; i < nodes.size(); ++i) {
    SetVector<StringRef> inputs;
    collectInputs(nodes[i], inputs, 0);
    for (StringRef name : inputs) {
      auto found = producer.find(name);
      if (found == producer.end()) {
        if (!isDefined(name))
          return fail("node '" + getNodeName(nodes[i]) + "' reads '" + name + "', which nothing defines");
        continue;
      }
      users[found->second].push_back(i);
      ++waiting[i];
    }
  }
  // The file's order is kept: of the ready nodes the first one comes next.
  std::set<int> ready;
  for (int i = 0; i < nodes.size(); ++i)
    if (waiting[i] == 0)
      ready.insert(i);
  SmallVector<const ::onnx::NodeProto *> order;
  while (!ready.empty()) {
    int next = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(&nodes[next]);
    for (int user : users[next])
      if (--waiting[user] == 0)
        ready.insert(user);
  }
  if (static_cast<int>(order.size()) == nodes.size())
    return order;
  int stuck = llvm::find_if(waiting, [](int count) { return count > 0; }) - waiting.begin();
  return fail("the graph has a cycle through node '" + getNodeName(nodes[stuck]) + "'");
}

} // namespace nnc::onnx
