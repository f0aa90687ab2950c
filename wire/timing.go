package wire

import (
	"strconv"
	"time"
)

// HeaderServerTiming tells clients how the time of a request was spent: one line for each hop, beside the function's own.
const HeaderServerTiming = "Server-Timing"

// AppendTiming appends one metric of a Server-Timing header, "name;dur=1.234" in milliseconds.
func AppendTiming(dst []byte, name string, d time.Duration) []byte {
	micros := max(0, d.Microseconds())
	dst = append(dst, name...)
	dst = append(dst, ";dur="...)
	dst = strconv.AppendInt(dst, micros/1000, 10)
	return append(dst, '.', '0'+byte(micros/100%10), '0'+byte(micros/10%10), '0'+byte(micros%10))
}
