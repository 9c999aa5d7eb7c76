// All supported layers, and what the importer must know of some without importing them.
#include "lib/Frontend/Caffe/LayerTable.h"

#include "lib/Frontend/Caffe/Caffe.h"
#include "lib/Frontend/Caffe/NetReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace nnc::caffe {

static SmallVector<ArrayRef<LayerEntry>> getAllLayers() {
  return {getContractionLayers(),  getConvolutionLayers(),   getDetectionLayers(), getElementwiseLayers(),
          getIndexingLayers(),     getLossLayers(),          getMovementLayers(),  getNormalizationLayers(),
          getPoolingLayers(),      getPriorBoxLayers(),      getProposalLayers(),  getRecurrentLayers(),
          getReductionLayers(),    getRegionPoolingLayers(), getResamplingLayers()};
}

/// The one layer of Python that is known by its name: what it computes is published with Faster R-CNN.
static bool isProposal(const format::PythonParam &param) {
  return StringRef(param.module()).ends_with("proposal_layer") && param.layer() == "ProposalLayer";
}

const LayerEntry *findLayer(const format::Layer &layer) {
  StringRef type = layer.type();
  if (type == "Python" && !isProposal(layer.python_param()))
    return nullptr;
  for (ArrayRef<LayerEntry> family : getAllLayers())
    for (const LayerEntry &entry : family)
      if (entry.type == type)
        return &entry;
  return nullptr;
}

static const StringRef dataLayers[] = {"AnnotatedData", "Data",         "DenseImageData", "DummyData",  "HDF5Data",
                                       "ImageData",     "ImageSegData", "Input",          "MemoryData", "WindowData"};
static const StringRef trainingLayers[] = {"Silence", "HDF5Output"};

bool isDataLayer(const format::Layer &layer) {
  return llvm::is_contained(dataLayers, layer.type()) || (layer.type() == "Python" && !layer.bottom_size());
}

bool isLossLayer(StringRef type) {
  return type == "Accuracy" || type.ends_with("Loss") || type == "DetectionEvaluate" || type.contains("LossLayer");
}

bool isAliasLayer(const format::Layer &layer) {
  StringRef type = layer.type();
  return type == "Split" || type == "Reshape" || type == "Flatten" || (type == "Concat" && layer.bottom_size() == 1) ||
         (type == "Slice" && layer.top_size() == 1);
}

StringRef getRefusal(StringRef type) {
  return llvm::StringSwitch<StringRef>(type)
      .Case("Python", "it runs Python code, which is not in the model; remove it or replace it with layers of Caffe")
      .Cases({"Region", "YoloDetectionOutput", "Yolov3DetectionOutput"},
             "forks differ in what it computes; end the network before it and do this step in the caller")
      .Case("", "it has no type")
      .StartsWith(foreignTypePrefix, "its type is a number that a fork of Caffe gave; give the fork's .prototxt, which has its "
                                     "name, as well")
      .Default("this type of layer is not supported");
}

void printSupportedOps(llvm::raw_ostream &os) {
  SmallVector<StringRef> types(std::begin(dataLayers), std::end(dataLayers));
  types.append(std::begin(trainingLayers), std::end(trainingLayers));
  for (ArrayRef<LayerEntry> family : getAllLayers())
    for (const LayerEntry &entry : family)
      types.push_back(entry.type);
  llvm::sort(types);
  for (StringRef type : types)
    os << "caffe " << type << " 1\n";
}

} // namespace nnc::caffe
