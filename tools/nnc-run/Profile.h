// How long each layer takes.
#ifndef TOOLS_NNC_RUN_PROFILE_H
#define TOOLS_NNC_RUN_PROFILE_H

#include "nnc/Runtime.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace nnc {

/// What was measured; times are milliseconds of one run, means over all of them.
struct ProfileTimes {
  struct Layer {
    std::string name;
    double milliseconds = 0;
    uint64_t macs = 0; ///< multiply-adds; 0 where they are not known
  };
  size_t runs = 0;
  double milliseconds = 0;
  std::vector<Layer> layers;
};

/// Runs `body` for about a second after a warm-up and reads how long each layer of `profile` took.
llvm::Expected<ProfileTimes> measureProfile(llvm::function_ref<llvm::Error()> body, const nnc_profile &profile);

/// A row for each layer: its time in one run, its share, and multiply-adds per second where they are known.
void printProfile(const ProfileTimes &times, llvm::raw_ostream &os);

/// The member `profile` of a report, with the core's clock rate: what the report page shows beside its estimates.
llvm::json::Value describeProfile(const ProfileTimes &times);

/// Cycles per nanosecond of this core, from a chain of instructions of one cycle each.
double measureClock();

} // namespace nnc

#endif // TOOLS_NNC_RUN_PROFILE_H
