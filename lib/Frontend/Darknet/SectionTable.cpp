// All supported sections.
#include "lib/Frontend/Darknet/SectionTable.h"

#include "lib/Frontend/Darknet/Darknet.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::darknet {

static SmallVector<ArrayRef<SectionEntry>> getAllSections() {
  return {getActivationSections(), getCombinationSections(), getContractionSections(),
          getConvolutionSections(), getDetectionSections(),  getMovementSections(),
          getNormalizationSections(), getPoolingSections(),  getRecurrentSections()};
}

const SectionEntry *findSection(StringRef type) {
  for (ArrayRef<SectionEntry> family : getAllSections())
    for (const SectionEntry &entry : family)
      if (entry.type == type)
        return &entry;
  return nullptr;
}

bool isOutputSection(StringRef type) {
  return type == "yolo" || type == "gaussian_yolo" || type == "region" || type == "detection";
}

void printSupportedOps(llvm::raw_ostream &os) {
  SmallVector<StringRef> types;
  for (ArrayRef<SectionEntry> family : getAllSections())
    for (const SectionEntry &entry : family)
      types.push_back(entry.type);
  llvm::sort(types);
  for (StringRef type : types)
    os << "darknet " << type << " 1\n";
}

} // namespace nnc::darknet
