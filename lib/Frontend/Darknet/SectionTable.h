// The table of supported sections: one named import function each, one list per family.
#ifndef LIB_FRONTEND_DARKNET_SECTIONTABLE_H
#define LIB_FRONTEND_DARKNET_SECTIONTABLE_H

#include "lib/Frontend/Darknet/SectionBinder.h"

namespace nnc::darknet {

using ImportFunction = llvm::LogicalResult (*)(SectionBinder &);

struct SectionEntry {
  llvm::StringRef type;
  ImportFunction import;
};

/// One list per family.
llvm::ArrayRef<SectionEntry> getActivationSections();
llvm::ArrayRef<SectionEntry> getCombinationSections();
llvm::ArrayRef<SectionEntry> getContractionSections();
llvm::ArrayRef<SectionEntry> getConvolutionSections();
llvm::ArrayRef<SectionEntry> getDetectionSections();
llvm::ArrayRef<SectionEntry> getMovementSections();
llvm::ArrayRef<SectionEntry> getNormalizationSections();
llvm::ArrayRef<SectionEntry> getPoolingSections();
llvm::ArrayRef<SectionEntry> getRecurrentSections();

/// The entry for a type; null where there is none.
const SectionEntry *findSection(llvm::StringRef type);
/// Layers whose result is one of the network's wherever they stand.
bool isOutputSection(llvm::StringRef type);

} // namespace nnc::darknet

#endif // LIB_FRONTEND_DARKNET_SECTIONTABLE_H
