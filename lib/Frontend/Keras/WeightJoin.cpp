// Finds the datasets of the weights.
//
// An .h5 file has one group for each layer of the outermost model, with the list of its weights: first those of all
// trainable layers in it, then the others. Names of weights are no help, they come from the session that made them. An
// archive has one group for each layer at any depth, named by class and number, and in it the weights by number.
#include "lib/Frontend/Keras/LayerTable.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace nnc::keras {

namespace {

/// A weight that waits for its dataset.
struct Place {
  Layer *layer;
  unsigned index;
  std::string path; ///< in an archive
  bool isTrainable;
};

} // namespace

/// Keras's name of a class in paths: Conv2DTranspose is conv2d_transpose, LeakyReLU leaky_re_lu.
static std::string toSnakeCase(StringRef name) {
  std::string first, second;
  for (size_t i = 0; i < name.size(); ++i) {
    if (i > 0 && isUpper(name[i]) && i + 1 < name.size() && isLower(name[i + 1]))
      first.push_back('_');
    first.push_back(name[i]);
  }
  for (size_t i = 0; i < first.size(); ++i) {
    if (i > 0 && isUpper(first[i]) && isLower(first[i - 1]))
      second.push_back('_');
    second.push_back(toLower(first[i]));
  }
  return second;
}

/// A class's name in paths, with a number behind the first.
static std::string getNumbered(StringRef className, StringMap<unsigned> &used) {
  std::string name = toSnakeCase(className.split('>').second.empty() ? className : className.split('>').second);
  unsigned number = used[name]++;
  return number ? name + "_" + std::to_string(number) : name;
}

static void collectPlaces(Graph &graph, const std::string &path, bool isTrainable, std::vector<Place> &places);

static void collectPlaces(Layer &layer, const std::string &path, bool isTrainable, std::vector<Place> &places) {
  isTrainable &= layer.isTrainable;
  if (layer.graph)
    return collectPlaces(*layer.graph, path, isTrainable, places);
  layer.path = path;
  StringMap<unsigned> used;
  for (auto &[member, inner] : layer.inner) {
    std::string place = path + member + "/";
    // Of a list each has a place by its class and number, as layers of a model have.
    if (layer.className == "StackedRNNCells")
      place += getNumbered(inner->className, used) + "/";
    collectPlaces(*inner, place, isTrainable, places);
  }
  const LayerEntry *entry = findLayer(layer);
  if (!entry || !entry->listWeights)
    return;
  SmallVector<WeightSlot> slots;
  entry->listWeights(layer.parameters(), slots);
  layer.weights.assign(slots.size(), nullptr);
  for (auto [index, slot] : enumerate(slots))
    places.push_back({&layer, static_cast<unsigned>(index), path + slot.path, isTrainable && slot.isTrainable});
}

static void collectPlaces(Graph &graph, const std::string &path, bool isTrainable, std::vector<Place> &places) {
  StringMap<unsigned> used;
  for (const auto &layer : graph.layers) {
    if (layer->isOperation)
      continue;
    StringRef className = layer->className;
    className = StringSwitch<StringRef>(className)
                    .Case("Model", "Functional")
                    .Case("GroupQueryAttention", "GroupedQueryAttention") // its own name, the other one is the public one
                    .Default(className);
    collectPlaces(*layer, path + "layers/" + getNumbered(className, used) + "/", isTrainable, places);
  }
}

void joinByPath(Graph &graph, const Hdf5File &file) {
  std::vector<Place> places;
  collectPlaces(graph, "", /*isTrainable=*/true, places);
  for (const Place &place : places) {
    place.layer->weights[place.index] = file.findDataset(place.path);
    if (!place.layer->weights[place.index] && place.layer->weightProblem.empty())
      place.layer->weightProblem = "the file lacks its weight '" + place.path + "'";
  }
}

static void joinGroup(Layer &layer, const Hdf5File &file, const std::string &group) {
  std::vector<Place> places;
  collectPlaces(layer, "", /*isTrainable=*/true, places);
  std::vector<std::string> names = file.joinAttribute(group, "weight_names");
  std::string problem;
  if (!places.empty() && !file.hasGroup(group))
    problem = "the file has no weights of it";
  else if (names.size() != places.size())
    problem = "it has " + std::to_string(places.size()) + " weights, and the file " + std::to_string(names.size());
  size_t next = 0;
  for (bool isTrainable : {true, false})
    for (const Place &place : places) {
      if (place.isTrainable != isTrainable)
        continue;
      place.layer->weightProblem = problem;
      if (!problem.empty())
        continue;
      const std::string &name = names[next++];
      place.layer->weights[place.index] = file.findDataset(group + "/" + name);
      if (!place.layer->weights[place.index])
        problem = place.layer->weightProblem = "the file lacks its weight '" + name + "'";
    }
}

void joinByName(Graph &graph, const Hdf5File &file, StringRef root) {
  for (const auto &layer : graph.layers)
    joinGroup(*layer, file, root.empty() ? layer->name : (root + "/" + layer->name).str());
}

} // namespace nnc::keras
