// The generated classes of TFLite's format, without their warnings.
#ifndef LIB_FRONTEND_TFLITE_FORMAT_H
#define LIB_FRONTEND_TFLITE_FORMAT_H

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <Model_generated.h>
#pragma clang diagnostic pop

#endif // LIB_FRONTEND_TFLITE_FORMAT_H
