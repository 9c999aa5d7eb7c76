// All that a report says of a network, as plain structs.
#ifndef LIB_ANALYSIS_NETWORKFACTS_H
#define LIB_ANALYSIS_NETWORKFACTS_H

#include "lib/Analysis/Kernels.h"
#include "lib/Analysis/Layers.h"

namespace nnc {

/// Why something is compiled as it is: a remark of a pass (lib/Support/Decision.h).
struct Decision {
  std::string about;           ///< "algorithm", "fusion", "layout", "vectors", "threads"
  std::string outcome;         ///< "done", "not done", "so"
  std::string layer;           ///< name of the source's layer
  std::vector<int64_t> layers; ///< by number; empty where the decision came before there were numbers
  std::string text;
};

struct NetworkFacts {
  std::vector<LayerFacts> layers;   ///< after the stage `nn`
  std::vector<KernelFacts> kernels; ///< after the stage `tensors`; empty without a report
  std::vector<Decision> decisions;  ///< in the order in which they were made; empty without a report
};

} // namespace nnc

#endif // LIB_ANALYSIS_NETWORKFACTS_H
