package processes

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// peakResident returns the peak of a living process's resident memory in bytes, 0 where /proc does not tell.
//
// The kernel's other figure, ru_maxrss at the end, is no use on Linux: at exec it inherits the peak of the process that
// started it, here the worker's, which is far above a predictor's.
func peakResident(pid int) int64 {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

// maxResident returns the peak of an ended process's resident memory in bytes, for systems without /proc.
func maxResident(state *os.ProcessState) int64 {
	rusage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return rusage.Maxrss // bytes there, KiB elsewhere
	}
	return rusage.Maxrss << 10
}
