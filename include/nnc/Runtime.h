/*
 * The binary contract of models compiled by nnc: what `<name>_model` of every
 * object looks like, so that programs, tools and other languages can drive any
 * model without its own header. C99 and C++11; needs nothing but the two headers
 * below. New versions only append fields: check `abi_version` and `struct_size`.
 */
#ifndef NNC_RUNTIME_H
#define NNC_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NNC_ABI_VERSION 1u

/** What `<name>_run` returns. */
enum {
  NNC_OK = 0,
  NNC_ERROR_NULL = 1,      /**< a pointer to a tensor, the extents or the workspace is null */
  NNC_ERROR_ALIGNMENT = 2, /**< the workspace or a tensor is not aligned */
  NNC_ERROR_CPU = 3,       /**< this CPU lacks instructions that the model was compiled for, or the system does not grant them */
  NNC_ERROR_EXTENT = 4,    /**< an extent, a position or a category is out of range, or does not fit the others */
  NNC_ERROR_TEXT = 5,      /**< the strings that the run makes have no room, or one that is read is no number */
  NNC_ERROR_WEIGHTS = 6    /**< the weights are not those that the model was compiled with */
};

/** Element types. */
enum {
  NNC_BOOL = 1, /**< one byte, 0 or 1 */
  NNC_INT8 = 2,
  NNC_UINT8 = 3,
  NNC_INT16 = 4,
  NNC_UINT16 = 5,
  NNC_INT32 = 6,
  NNC_UINT32 = 7,
  NNC_INT64 = 8,
  NNC_UINT64 = 9,
  NNC_FLOAT16 = 10,
  NNC_BFLOAT16 = 11,
  NNC_FLOAT32 = 12,
  NNC_FLOAT64 = 13,
  NNC_FLOAT8E4M3FN = 16, /**< one byte each, as all floats of 8 bits */
  NNC_FLOAT8E4M3FNUZ = 17,
  NNC_FLOAT8E5M2 = 18,
  NNC_FLOAT8E5M2FNUZ = 19,
  NNC_FLOAT8E8M0 = 20,
  NNC_FLOAT4E2M1 = 21, /**< from here on packed without gaps between rows, the first element in a byte's low bits */
  NNC_INT4 = 22,
  NNC_UINT4 = 23,
  NNC_INT2 = 24,
  NNC_UINT2 = 25,
  NNC_STRING = 26 /**< `const char *`: UTF-8 that ends with a zero */
};

/** How a model asks for parallel loops: call `body(arg, i)` once for each i below n, in any order, at the same time
 *  where possible; return when all are done. */
typedef struct nnc_parallel {
  void (*parallel_for)(void *context, size_t n, void (*body)(void *arg, size_t i), void *arg);
  void *context;
} nnc_parallel;

/** One input or output. Row-major, without gaps. */
typedef struct nnc_tensor {
  const char *name;           /**< as in the source model */
  uint32_t type;              /**< NNC_FLOAT32 ... */
  uint32_t rank;
  const int64_t *shape;       /**< `rank` extents; -1 where the extent is known at run time */
  const int32_t *extent_of;   /**< `rank` places in the extents (inputs) or output extents (outputs); -1 if static */
  uint64_t bytes;             /**< of the whole tensor; 0 where it is known at run time */
} nnc_tensor;

/** How long the layers took, of a model compiled with `--profile`. Runs at the same time would mix their counts. */
typedef struct nnc_profile {
  uint32_t num_layers;
  uint32_t reserved;
  const char *const *layers;  /**< names, as in the source model, in the order of the first run */
  const uint64_t *macs;       /**< multiply-adds of one run of each layer; 0 where not known */
  uint64_t *ticks;            /**< of the CPU's counter, summed over all runs since they were set to 0 */
} nnc_profile;

/** The CPUs that a model has code for, the better the later, where they are several. */
typedef struct nnc_cpus {
  uint32_t num_cpus;
  uint32_t reserved;
  const char *const *names;
  /** Place in `names` of the code that runs: chosen once, by what the CPU can. -1: it can run none. */
  int (*current)(void);
  /** Runs the code for `names[place]` from now on; with -1 the best again. NNC_ERROR_CPU where the CPU cannot run it. */
  int (*use)(int place);
} nnc_cpus;

/** What the caller keeps for a model from one run to the next. */
typedef struct nnc_state {
  uint32_t input;             /**< place of the input that takes it */
  uint32_t output;            /**< place of the output that gives the next one */
  const void *initial;        /**< before the first run, as many bytes as the input has; NULL: zeros */
} nnc_state;

/** How an input is made of raw numbers, those of an image from 0 to 255 for example: (raw - mean[c]) * scale[c] for
 *  channel c. */
typedef struct nnc_preprocessing {
  uint32_t is_applied;        /**< 1: the model does it (`--with-preprocessing`), and its input is the raw numbers */
  uint32_t has_mean_image;    /**< 1: each element has a mean of its own, which only `--with-preprocessing` knows */
  int32_t channel_axis;       /**< the dimension of the channels; -1 where there are none */
  uint32_t num_means;         /**< numbers in `mean`: 1, the same for all channels, or one for each */
  uint32_t num_scales;        /**< the same of `scale` */
  uint32_t reserved;
  const float *mean;
  const float *scale;
  const char *channel_order;  /**< "RGB", "BGR" or "gray"; "" where the model does not say */
} nnc_preprocessing;

/** The names of the classes that an output tells apart. */
typedef struct nnc_labels {
  uint32_t num_labels;
  uint32_t reserved;
  const char *const *labels;  /**< UTF-8, as in the source model */
} nnc_labels;

/** The weights of a model compiled with `--weights=extern`: a file of their own, which the caller maps, reads, or places in
 *  flash. It is only read, so any number of threads and processes can share it. */
typedef struct nnc_weights {
  uint64_t bytes;             /**< of the file */
  uint64_t align;             /**< of the address at which it begins in memory */
  const void *header;         /**< what the file begins with: its length and a hash of its contents */
  uint64_t header_bytes;
  /** As `invoke` and `invoke_reporting` of the model, which return NNC_ERROR_NULL then, with the file's contents.
   *  `output_extents` may be NULL where data decide none. NNC_ERROR_WEIGHTS where the file begins with another header. */
  int (*invoke)(const void *const *inputs, void *const *outputs, const int64_t *extents, void *workspace,
                const nnc_parallel *parallel, int64_t *output_extents, const void *weights);
} nnc_weights;

/** One model. */
typedef struct nnc_model {
  uint32_t abi_version;
  uint32_t struct_size;
  const char *name;
  const char *model_hash;     /**< SHA-256 of the source file, in hexadecimal; may be empty */
  uint32_t num_inputs;
  uint32_t num_outputs;
  const nnc_tensor *inputs;
  const nnc_tensor *outputs;
  uint32_t num_extents;       /**< distinct run-time extents of the inputs; 0: all shapes are static */
  uint32_t num_output_extents;
  const char *const *extent_names;
  uint64_t workspace_bytes;   /**< 0 where workspace_size has to be asked */
  uint64_t workspace_align;
  uint64_t weights_bytes;
  uint64_t macs;              /**< multiply-adds of one run; 0 where not known */
  /** Bytes of workspace for these input extents; 0 for extents that are out of range. NULL if static. */
  uint64_t (*workspace_size)(const int64_t *extents);
  /** Computes the outputs' run-time extents from the inputs'; of extents that data decide, the most that they can be,
   *  for which an output's buffer must have room. NULL if they are static. */
  int (*output_extents)(const int64_t *extents, int64_t *out);
  /** Runs the model. `extents` and `parallel` may be NULL where the model has no run-time extents or threads. */
  int (*invoke)(const void *const *inputs, void *const *outputs, const int64_t *extents, void *workspace,
                const nnc_parallel *parallel);
  const nnc_profile *profile; /**< NULL without `--profile` */
  const nnc_cpus *cpus;       /**< NULL where the code is for one CPU */
  /** Where data decide extents of outputs: as `invoke`, and stores what all run-time extents of the outputs are, in the
   *  order of `output_extents`. Each output lies without gaps in that shape at the start of its buffer. `invoke` returns
   *  NNC_ERROR_NULL then. NULL for all other models. */
  int (*invoke_reporting)(const void *const *inputs, void *const *outputs, const int64_t *extents, void *workspace,
                          const nnc_parallel *parallel, int64_t *output_extents);
  /** Where sizes are made of values of inputs: as `workspace_size` and `output_extents`, with the inputs, of which those that
   *  `size_input` marks are read; the others may be NULL. The two above answer with an error then. NULL for all other
   *  models. */
  uint64_t (*workspace_size_for)(const void *const *inputs, const int64_t *extents);
  int (*output_extents_for)(const void *const *inputs, const int64_t *extents, int64_t *out);
  const uint8_t *size_input; /**< for each input whether its values make sizes; NULL where none do */
  uint32_t num_states;
  uint32_t reserved;
  const nnc_state *states;   /**< NULL where nothing is kept */
  /** For each input how it is made of raw numbers; NULL where the model does not say so of any, or not of this one. */
  const nnc_preprocessing *const *preprocessing;
  /** For each output the names of its classes; NULL where the model has none, or not for this one. */
  const nnc_labels *const *labels;
  const nnc_weights *weights; /**< NULL where the weights are in the object */
} nnc_model;

#ifdef __cplusplus
}
#endif

#endif /* NNC_RUNTIME_H */
