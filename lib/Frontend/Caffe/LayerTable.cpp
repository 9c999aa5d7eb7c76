// All supported layers, and what the importer must know of some without importing them.
#include "lib/Frontend/Caffe/LayerTable.h"

#include "lib/Frontend/Caffe/Caffe.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace nnc::caffe {

static SmallVector<ArrayRef<LayerEntry>> getAllLayers() {
  return {getContractionLayers(), getConvolutionLayers(), getElementwiseLayers(),   getIndexingLayers(),
          getLossLayers(),        getMovementLayers(),    getNormalizationLayers(), getPoolingLayers(),
          getPriorBoxLayers(),    getRecurrentLayers(),   getReductionLayers()};
}

const LayerEntry *findLayer(StringRef type) {
  for (ArrayRef<LayerEntry> family : getAllLayers())
    for (const LayerEntry &entry : family)
      if (entry.type == type)
        return &entry;
  return nullptr;
}

static const StringRef dataLayers[] = {"Data",     "DummyData",  "HDF5Data",   "ImageData",
                                       "Input",    "MemoryData", "WindowData", "AnnotatedData"};
static const StringRef trainingLayers[] = {"Silence", "HDF5Output"};

bool isDataLayer(StringRef type) { return llvm::is_contained(dataLayers, type); }

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
      .Case("Filter", "the extents of its result depend on the data")
      .Cases({"DetectionOutput", "Proposal"},
             "the number of its results depends on the data; end the network before it and do this step in the caller")
      .Case("", "it has no type")
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
