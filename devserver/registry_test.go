package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// ask sends a request of the OCI distribution protocol and returns the answer's status, headers and body.
func ask(t *testing.T, method, url, mediaType string, body io.Reader) (int, http.Header, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("Accept", manifestType+", */*")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, data
}

// upload begins an upload and returns where its bytes go.
func upload(t *testing.T, base string) string {
	t.Helper()
	status, header, _ := ask(t, http.MethodPost, base+"/blobs/uploads/", "", nil)
	if status != http.StatusAccepted {
		t.Fatalf("an upload begins with %d", status)
	}
	return header.Get("Location")
}

func putBlob(t *testing.T, base string, data []byte) {
	t.Helper()
	if status, _, body := ask(t, http.MethodPut, upload(t, base)+"&digest="+sha(data), "application/octet-stream", bytes.NewReader(data)); status != http.StatusCreated {
		t.Fatalf("blob: %d %s", status, body)
	}
}

func (s *server) images() string {
	return fmt.Sprintf("http://127.0.0.1:%d/v2/loanops-api", s.registry)
}

// What was pushed is there after the server was killed in the middle of another push, and what was half-pushed can be pushed again.
func TestRegistrySurvivesAKillInAPush(t *testing.T) {
	dir := t.TempDir()
	ports, err := freePorts(5)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, dir, ports)
	config, layer, cut := []byte("{}"), []byte("a layer"), bytes.Repeat([]byte("half"), 1<<20)
	putBlob(t, s.images(), config)
	putBlob(t, s.images(), layer)
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",`+
		`"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":%q,"size":%d},`+
		`"layers":[{"mediaType":"application/octet-stream","digest":%q,"size":%d}]}`, sha(config), len(config), sha(layer), len(layer))
	if status, _, body := ask(t, http.MethodPut, s.images()+"/manifests/"+sha(manifest), manifestType, bytes.NewReader(manifest)); status != http.StatusCreated {
		t.Fatalf("manifest: %d %s", status, body)
	}
	// Half of a blob is on the way when the server is killed.
	under := upload(t, s.images())
	sent, gone := make(chan struct{}), make(chan struct{})
	body, writer := io.Pipe()
	go func() {
		defer close(gone)
		request, err := http.NewRequestWithContext(context.Background(), http.MethodPatch, under, body)
		if err != nil {
			return
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	go func() {
		_, _ = writer.Write(cut[:len(cut)/2])
		close(sent)
	}()
	<-sent
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait()
	_ = writer.Close()
	<-gone

	s = start(t, dir, ports)
	if status, _, found := ask(t, http.MethodGet, s.images()+"/manifests/"+sha(manifest), "", nil); status != http.StatusOK || !bytes.Equal(found, manifest) {
		t.Fatalf("after the kill: %d %s", status, found)
	}
	if status, _, found := ask(t, http.MethodGet, s.images()+"/blobs/"+sha(layer), "", nil); status != http.StatusOK || !bytes.Equal(found, layer) {
		t.Fatalf("after the kill: %d %s", status, found)
	}
	if status, _, _ := ask(t, http.MethodHead, s.images()+"/blobs/"+sha(cut), "", nil); status != http.StatusNotFound {
		t.Fatalf("half a blob is answered with %d", status)
	}
	putBlob(t, s.images(), cut)
	if status, _, found := ask(t, http.MethodGet, s.images()+"/blobs/"+sha(cut), "", nil); status != http.StatusOK || !bytes.Equal(found, cut) {
		t.Fatalf("pushed again: %d, %d bytes", status, len(found))
	}
	// Bytes under a digest that is not theirs are not taken.
	if status, _, _ := ask(t, http.MethodPut, upload(t, s.images())+"&digest="+sha([]byte("other")), "", strings.NewReader("bytes")); status != http.StatusBadRequest {
		t.Fatalf("bytes under another digest: %d", status)
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait()
}

func TestRegistryIsOfThisMachineAlone(t *testing.T) {
	ports, err := freePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serveRegistry(ctx, options{registryPort: ports[0], registryDir: t.TempDir(), level: "error", ip: "0.0.0.0"})
	}()
	await(t, fmt.Sprintf("http://127.0.0.1:%d/v2/", ports[0]))
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if of, ok := address.(*net.IPNet); ok && !of.IP.IsLoopback() && of.IP.To4() != nil {
			if connection, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", of.IP, ports[0]), time.Second); err == nil {
				connection.Close()
				t.Errorf("it answers at %s", of.IP)
			}
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatalf("a clean stop: %v", err)
	}
}
