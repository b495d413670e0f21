package containers

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// granted is what the kernel grants a process.
type granted struct {
	memory int64
	cpus   float64
}

// cgroup reads it from the process's control groups, of either version.
func cgroup(t *testing.T, pid int) granted {
	t.Helper()
	of, err := os.ReadFile("/proc/" + itoa(pid) + "/cgroup")
	require.NoError(t, err)
	folders := map[string]string{}
	for line := range strings.Lines(string(of)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		for controller := range strings.SplitSeq(parts[1], ",") {
			folders[controller] = parts[2]
		}
	}
	if _, v1 := folders["memory"]; v1 {
		quota := readInt(t, "/sys/fs/cgroup/cpu", folders["cpu"], "cpu.cfs_quota_us")
		period := readInt(t, "/sys/fs/cgroup/cpu", folders["cpu"], "cpu.cfs_period_us")
		return granted{readInt(t, "/sys/fs/cgroup/memory", folders["memory"], "memory.limit_in_bytes"), float64(quota) / float64(period)}
	}
	cpu := strings.Fields(read(t, "/sys/fs/cgroup", folders[""], "cpu.max"))
	return granted{readInt(t, "/sys/fs/cgroup", folders[""], "memory.max"), float64(toInt(t, cpu[0])) / float64(toInt(t, cpu[1]))}
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	require.NoError(t, err)
	return strings.TrimSpace(string(data))
}

func readInt(t *testing.T, parts ...string) int64 {
	t.Helper()
	return toInt(t, read(t, parts...))
}

func toInt(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err)
	return n
}

func itoa(n int) string { return strconv.Itoa(n) }

func listenLoopback(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}
