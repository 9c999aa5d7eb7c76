// A network as ccv_convnet_write stores it: three tables of an SQLite database.
#ifndef LIB_FRONTEND_CCV_NETWORK_H
#define LIB_FRONTEND_CCV_NETWORK_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace nnc::ccv {

/// A row of the table layer_params, with its row of layer_data. Numbers are from 0 to 2^30; 0 where the file has NULL.
struct Layer {
  int64_t type = 0;                                   ///< 1 to 5, see LayerTable.cpp
  int64_t rows = 0, columns = 0, channels = 0;        ///< of the layer's input
  int64_t partition = 0;                              ///< the number of groups that its input's channels are in
  int64_t nodes = 0;                                  ///< elements of its input, of full_connect
  int64_t windowRows = 0, windowColumns = 0;          ///< of convolutions
  int64_t count = 0;                                  ///< channels or elements of its result
  int64_t strides = 0, border = 0;                    ///< of convolutions and pools
  int64_t size = 0;                                   ///< of the window of pools and normalisations
  double kappa = 0, alpha = 0, beta = 0;              ///< of normalisations
  bool hasRelu = false;                               ///< of full_connect
  bool isHalf = false;                                ///< weights and bias are f16, else f32
  std::shared_ptr<std::string> weights, bias;         ///< bytes, little-endian; null where there are none
};

struct Network {
  std::vector<Layer> layers;
  int64_t inputRows = 0, inputColumns = 0; ///< of the images that a classification begins with
  std::shared_ptr<std::string> mean;       ///< f32 (inputRows, inputColumns, channels); null where there is none
};

/// Whether `content` begins as an SQLite database.
bool isDatabase(llvm::StringRef content);

/// Reads a database in memory; nothing is written, and no code of the file's is run. The error says what is wrong.
llvm::Expected<Network> readNetwork(llvm::StringRef content);

} // namespace nnc::ccv

#endif // LIB_FRONTEND_CCV_NETWORK_H
