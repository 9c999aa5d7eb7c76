// Normalisation of inputs and files of labels, as TFLite's metadata have them.
#include "lib/Frontend/TFLite/Metadata.h"

#include "lib/Frontend/Import/Archive.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <Metadata_generated.h>
#pragma clang diagnostic pop

#include "llvm/ADT/STLExtras.h"

#include <cstring>

using namespace mlir;

namespace nnc::tflite {

/// Descriptions that are longer, have more tables or are nested more deeply say nothing.
static constexpr size_t maxBytes = 1 << 24;
static constexpr unsigned maxTables = 1 << 16, maxDepth = 64;

Metadata::Metadata(StringRef bytes, StringRef file) : file(file) {
  if (bytes.empty() || bytes.size() > maxBytes)
    return;
  memory.resize(llvm::divideCeil(bytes.size(), sizeof(uint64_t)));
  memcpy(memory.data(), bytes.data(), bytes.size());
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t *>(memory.data()), bytes.size(), maxDepth, maxTables);
  if (!metadata::VerifyModelMetadataBuffer(verifier))
    memory.clear();
}

/// The description of an input or output; null where there is none.
static const metadata::TensorMetadata *findTensor(ArrayRef<uint64_t> memory, unsigned index, bool isInput) {
  if (memory.empty())
    return nullptr;
  const auto *graphs = metadata::GetModelMetadata(memory.data())->subgraph_metadata();
  if (!graphs || !graphs->size())
    return nullptr;
  const auto *tensors = isInput ? graphs->Get(0)->input_tensor_metadata() : graphs->Get(0)->output_tensor_metadata();
  return tensors && index < tensors->size() ? tensors->Get(index) : nullptr;
}

static std::vector<float> toVector(const flatbuffers::Vector<float> *numbers) {
  return numbers ? std::vector<float>(numbers->begin(), numbers->end()) : std::vector<float>();
}

std::optional<frontend::Preprocessing> Metadata::getPreprocessing(unsigned index, RankedTensorType type) const {
  const metadata::TensorMetadata *tensor = findTensor(memory, index, /*isInput=*/true);
  if (!tensor || !type.getElementType().isF32())
    return std::nullopt;
  frontend::Preprocessing result;
  const metadata::ImageProperties *image =
      tensor->content() ? tensor->content()->content_properties_as_ImageProperties() : nullptr;
  if (image && image->color_space() != metadata::ColorSpace::UNKNOWN)
    result.channelOrder = image->color_space() == metadata::ColorSpace::RGB ? "RGB" : "gray";
  if (type.getRank() > 1)
    result.channelAxis = type.getRank() - 1;
  if (tensor->process_units())
    for (const metadata::ProcessUnit *unit : *tensor->process_units())
      if (const metadata::NormalizationOptions *options = unit->options_as_NormalizationOptions()) {
        result.mean = toVector(options->mean());
        result.scale = toVector(options->std());
        for (float &deviation : result.scale)
          deviation = 1 / deviation;
      }
  return result;
}

std::vector<std::string> Metadata::getLabels(unsigned index) const {
  const metadata::TensorMetadata *tensor = findTensor(memory, index, /*isInput=*/false);
  if (!tensor || !tensor->associated_files())
    return {};
  for (const metadata::AssociatedFile *associated : *tensor->associated_files()) {
    bool hasLocale = associated->locale() && associated->locale()->size();
    bool hasLabels = associated->type() == metadata::FileType::TENSOR_AXIS_LABELS ||
                     associated->type() == metadata::FileType::TENSOR_VALUE_LABELS;
    if (!hasLabels || hasLocale || !associated->name())
      continue;
    auto text = frontend::readArchiveFile(file, associated->name()->str());
    if (text)
      return frontend::splitLabels(text->bytes);
    llvm::consumeError(text.takeError());
  }
  return {};
}

} // namespace nnc::tflite
