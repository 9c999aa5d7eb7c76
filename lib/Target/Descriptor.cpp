// Layouts of the structs are those of include/nnc/Runtime.h, version 1: whoever
// changes one changes the other.
#include "lib/Target/Descriptor.h"

#include "nnc/Runtime.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/IR/IRBuilder.h"

using namespace llvm;

namespace nnc {
namespace {

class DescriptorBuilder {
public:
  DescriptorBuilder(Module &module, const ModelInterface &interface, const DescriptorFacts &facts)
      : module(module), interface(interface), facts(facts), builder(module.getContext()), pointer(builder.getPtrTy()) {}

  void build(const DescriptorFunctions &functions);

private:
  Constant *describeSizeInputs();
  Constant *describeInitial(const TensorInterface &state);
  std::pair<Constant *, unsigned> describeStates();
  Constant *describePreprocessing();
  Constant *describeLabels();
  Constant *makeList(ArrayRef<Constant *> pointers, StringRef name);
  Constant *makeGlobal(Constant *value, const Twine &name);
  Constant *makeString(StringRef text);
  Constant *describeTensors(ArrayRef<TensorInterface> tensors, StringRef name);
  Constant *describeProfile();
  Constant *describeCpus(const DescriptorFunctions &functions);
  Constant *describeWeights(Constant *invoke);

  Module &module;
  const ModelInterface &interface;
  const DescriptorFacts &facts;
  IRBuilder<> builder;
  PointerType *pointer;
};

} // namespace

/// A byte for each input, or null.
Constant *DescriptorBuilder::describeSizeInputs() {
  if (!interface.hasSizeInputs())
    return ConstantPointerNull::get(pointer);
  SmallVector<uint8_t> flags;
  for (const TensorInterface &input : interface.inputs)
    flags.push_back(input.decidesSizes);
  return makeGlobal(ConstantDataArray::get(module.getContext(), flags), "size_input");
}

/// The elements of a state before the first run, or null.
Constant *DescriptorBuilder::describeInitial(const TensorInterface &state) {
  if (!state.initial)
    return ConstantPointerNull::get(pointer);
  std::string bytes;
  auto add = [&](const APInt &bits) {
    APInt wide = bits.zextOrTrunc(8 * state.getElementBytes());
    for (unsigned i = 0; i < wide.getBitWidth(); i += 8)
      bytes += static_cast<char>(wide.extractBitsAsZExtValue(8, i));
  };
  if (mlir::isa<mlir::FloatType>(state.initial.getElementType()))
    for (const APFloat &element : state.initial.getValues<APFloat>())
      add(element.bitcastToAPInt());
  else
    for (const APInt &element : state.initial.getValues<APInt>())
      add(element);
  auto *global = cast<GlobalVariable>(
      makeGlobal(ConstantDataArray::getString(module.getContext(), bytes, /*AddNull=*/false), "initial"));
  global->setAlignment(Align(state.getElementBytes()));
  return global;
}

/// The nnc_states, or null, and how many there are.
std::pair<Constant *, unsigned> DescriptorBuilder::describeStates() {
  SmallVector<Constant *> states;
  for (auto [place, input] : enumerate(interface.inputs))
    if (input.next)
      states.push_back(ConstantStruct::getAnon(
          {builder.getInt32(place), builder.getInt32(*input.next), describeInitial(input)}));
  if (states.empty())
    return {ConstantPointerNull::get(pointer), 0};
  auto *type = ArrayType::get(states.front()->getType(), states.size());
  return {makeGlobal(ConstantArray::get(type, states), "states"), states.size()};
}

/// An array of pointers, or null where all are.
Constant *DescriptorBuilder::makeList(ArrayRef<Constant *> pointers, StringRef name) {
  if (all_of(pointers, [](Constant *value) { return value->isNullValue(); }))
    return ConstantPointerNull::get(pointer);
  return makeGlobal(ConstantArray::get(ArrayType::get(pointer, pointers.size()), pointers), name);
}

/// An nnc_preprocessing for each input, null where the model says nothing.
Constant *DescriptorBuilder::describePreprocessing() {
  SmallVector<Constant *> described;
  for (const TensorInterface &input : interface.inputs) {
    described.push_back(ConstantPointerNull::get(pointer));
    if (!input.preprocessing)
      continue;
    const InputPreprocessing &from = *input.preprocessing;
    auto number = [&](uint32_t value) { return builder.getInt32(value); };
    auto list = [&](ArrayRef<float> values) {
      return makeGlobal(ConstantDataArray::get(module.getContext(), values), "numbers");
    };
    Constant *fields[] = {number(from.isApplied),   number(from.hasMeanImage), number(from.channelAxis),
                          number(from.mean.size()), number(from.scale.size()), number(0),
                          list(from.mean),          list(from.scale),          makeString(from.channelOrder)};
    described.back() = makeGlobal(ConstantStruct::getAnon(fields), "raw");
  }
  return makeList(described, "preprocessing");
}

/// An nnc_labels for each output, null where it has none.
Constant *DescriptorBuilder::describeLabels() {
  SmallVector<Constant *> described;
  for (const TensorInterface &output : interface.outputs) {
    described.push_back(ConstantPointerNull::get(pointer));
    SmallVector<Constant *> labels;
    for (const std::string &label : output.labels)
      labels.push_back(makeString(label));
    if (labels.empty())
      continue;
    Constant *fields[] = {builder.getInt32(labels.size()), builder.getInt32(0), makeList(labels, "classes")};
    described.back() = makeGlobal(ConstantStruct::getAnon(fields), "label_list");
  }
  return makeList(described, "labels");
}

Constant *DescriptorBuilder::makeGlobal(Constant *value, const Twine &name) {
  auto *global = new GlobalVariable(module, value->getType(), /*isConstant=*/true, GlobalValue::PrivateLinkage, value,
                                    interface.name + "." + name);
  global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return global;
}

Constant *DescriptorBuilder::makeString(StringRef text) {
  return makeGlobal(ConstantDataArray::getString(module.getContext(), text), "name");
}

static uint32_t getTypeCode(mlir::Type type) {
  if (type.isInteger(1))
    return NNC_BOOL;
  if (type.isF16())
    return NNC_FLOAT16;
  if (type.isBF16())
    return NNC_BFLOAT16;
  if (type.isF32())
    return NNC_FLOAT32;
  if (type.isF64())
    return NNC_FLOAT64;
  if (mlir::isa<mlir::FloatType>(type))
    return TypeSwitch<mlir::Type, uint32_t>(type)
        .Case([](mlir::Float8E4M3FNType) { return NNC_FLOAT8E4M3FN; })
        .Case([](mlir::Float8E4M3FNUZType) { return NNC_FLOAT8E4M3FNUZ; })
        .Case([](mlir::Float8E5M2Type) { return NNC_FLOAT8E5M2; })
        .Case([](mlir::Float8E5M2FNUZType) { return NNC_FLOAT8E5M2FNUZ; })
        .Case([](mlir::Float8E8M0FNUType) { return NNC_FLOAT8E8M0; })
        .Case([](mlir::Float4E2M1FNType) { return NNC_FLOAT4E2M1; });
  if (type.isIndex())
    return NNC_STRING;
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 2:
    return isUnsigned ? NNC_UINT2 : NNC_INT2;
  case 4:
    return isUnsigned ? NNC_UINT4 : NNC_INT4;
  case 8:
    return isUnsigned ? NNC_UINT8 : NNC_INT8;
  case 16:
    return isUnsigned ? NNC_UINT16 : NNC_INT16;
  case 32:
    return isUnsigned ? NNC_UINT32 : NNC_INT32;
  default:
    return isUnsigned ? NNC_UINT64 : NNC_INT64;
  }
}

Constant *DescriptorBuilder::describeTensors(ArrayRef<TensorInterface> tensors, StringRef name) {
  SmallVector<Constant *> described;
  auto *type =
      StructType::get(pointer, builder.getInt32Ty(), builder.getInt32Ty(), pointer, pointer, builder.getInt64Ty());
  for (const TensorInterface &tensor : tensors) {
    SmallVector<uint64_t> shape;
    SmallVector<uint32_t> places;
    unsigned dynamic = 0;
    for (int64_t extent : tensor.shape) {
      bool isDynamic = mlir::ShapedType::isDynamic(extent);
      shape.push_back(isDynamic ? -1 : extent);
      places.push_back(isDynamic ? tensor.extentOf[dynamic++] : -1);
    }
    uint64_t bytes = tensor.isStatic() ? tensor.getBytes() : 0;
    described.push_back(ConstantStruct::get(
        type, makeString(tensor.name), builder.getInt32(getTypeCode(tensor.elementType)),
        builder.getInt32(tensor.shape.size()), makeGlobal(ConstantDataArray::get(module.getContext(), shape), "shape"),
        makeGlobal(ConstantDataArray::get(module.getContext(), places), "extent_of"), builder.getInt64(bytes)));
  }
  return makeGlobal(ConstantArray::get(ArrayType::get(type, described.size()), described), name);
}

/// The nnc_profile, or null.
Constant *DescriptorBuilder::describeProfile() {
  Constant *null = ConstantPointerNull::get(pointer);
  if (!facts.profiledLayers)
    return null;
  Constant *ticks = module.getGlobalVariable("main_ticks", /*AllowInternal=*/true); // none without layers
  SmallVector<Constant *> names;
  SmallVector<uint64_t> macs;
  for (const ProfiledLayer &layer : *facts.profiledLayers) {
    names.push_back(makeString(layer.name));
    macs.push_back(layer.macs);
  }
  Constant *layers = ConstantArray::get(ArrayType::get(pointer, names.size()), names);
  Constant *fields[] = {builder.getInt32(names.size()), builder.getInt32(0), makeGlobal(layers, "layers"),
                        makeGlobal(ConstantDataArray::get(module.getContext(), macs), "macs"), ticks ? ticks : null};
  return makeGlobal(ConstantStruct::getAnon(fields), "profile");
}

/// The nnc_cpus, or null.
Constant *DescriptorBuilder::describeCpus(const DescriptorFunctions &functions) {
  if (facts.cpus.empty())
    return ConstantPointerNull::get(pointer);
  SmallVector<Constant *> names;
  for (const CpuVariant &cpu : facts.cpus)
    names.push_back(makeString(cpu.name));
  Constant *list = ConstantArray::get(ArrayType::get(pointer, names.size()), names);
  Constant *fields[] = {builder.getInt32(names.size()), builder.getInt32(0), makeGlobal(list, "cpus"), functions.cpuChoice.first,
                        functions.cpuChoice.second};
  return makeGlobal(ConstantStruct::getAnon(fields), "cpu_choice");
}

/// The nnc_weights, or null.
Constant *DescriptorBuilder::describeWeights(Constant *invoke) {
  if (!facts.weightsHeader)
    return ConstantPointerNull::get(pointer);
  StringRef bytes = facts.weightsHeader->getBytes();
  Constant *header = ConstantDataArray::getString(module.getContext(), bytes, /*AddNull=*/false);
  Constant *fields[] = {builder.getInt64(facts.weightsBytes), builder.getInt64(WeightsHeader::alignment),
                        makeGlobal(header, "weights_header"), builder.getInt64(bytes.size()), invoke};
  return makeGlobal(ConstantStruct::getAnon(fields), "weights_file");
}

void DescriptorBuilder::build(const DescriptorFunctions &functions) {
  SmallVector<Constant *> names;
  for (const std::string &name : interface.extents)
    names.push_back(makeString(name));
  Constant *null = ConstantPointerNull::get(pointer);
  Constant *extentNames =
      names.empty() ? null : makeGlobal(ConstantArray::get(ArrayType::get(pointer, names.size()), names), "extents");
  auto orNull = [&](Function *function) { return function ? static_cast<Constant *>(function) : null; };
  auto i32 = [&](uint64_t value) { return builder.getInt32(value); };
  auto i64 = [&](uint64_t value) { return builder.getInt64(value); };
  auto [states, numStates] = describeStates();
  SmallVector<Constant *> fields = {i32(NNC_ABI_VERSION),
                                    nullptr,
                                    makeString(interface.name),
                                    makeString(facts.modelHash),
                                    i32(interface.inputs.size()),
                                    i32(interface.outputs.size()),
                                    describeTensors(interface.inputs, "inputs"),
                                    describeTensors(interface.outputs, "outputs"),
                                    i32(interface.extents.size()),
                                    i32(interface.outputExtents.size()),
                                    extentNames,
                                    i64(functions.workspaceSize ? 0 : facts.workspaceBytes),
                                    i64(workspaceAlignment),
                                    i64(facts.weightsBytes),
                                    i64(interface.macs.value_or(0)),
                                    orNull(functions.workspaceSize),
                                    orNull(functions.outputExtents),
                                    functions.invoke,
                                    describeProfile(),
                                    describeCpus(functions),
                                    orNull(functions.invokeReporting),
                                    orNull(functions.workspaceSizeFor),
                                    orNull(functions.outputExtentsFor),
                                    describeSizeInputs(),
                                    i32(numStates),
                                    i32(0),
                                    states,
                                    describePreprocessing(),
                                    describeLabels(),
                                    describeWeights(functions.invokeWithWeights)};
  SmallVector<Type *> types;
  for (Constant *field : fields)
    types.push_back(field ? field->getType() : builder.getInt32Ty());
  auto *type = StructType::get(module.getContext(), types);
  fields[1] = i32(module.getDataLayout().getTypeAllocSize(type));
  auto *model = cast<GlobalVariable>(makeGlobal(ConstantStruct::get(type, fields), "model"));
  model->setName(interface.name + "_model");
  model->setLinkage(GlobalValue::ExternalLinkage);
  model->setUnnamedAddr(GlobalValue::UnnamedAddr::None);
}

void describeModel(Module &module, const ModelInterface &interface, const DescriptorFacts &facts,
                   const DescriptorFunctions &functions) {
  DescriptorBuilder(module, interface, facts).build(functions);
}

} // namespace nnc
