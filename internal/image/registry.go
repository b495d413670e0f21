package image

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image/reference"
)

// Registry is where images are kept, by the OCI distribution protocol.
type Registry struct {
	// URL is http://host:port or https://host[:port][/prefix]; the prefix is put before all repositories.
	URL string
	// Username and PasswordFile are the account; none for a registry that takes anybody. A password goes over https, or to this machine.
	Username, PasswordFile string
}

// responseLimit is how long a registry may take until it begins to answer.
const responseLimit = 30 * time.Second

// Push writes an image and the artifacts that refer to it, and returns the image's reference. What is there already is not sent again. The
// image is written last: a registry that has it has all of them.
func (r Registry) Push(ctx context.Context, repository string, image v1.Image, referrers ...v1.Image) (reference.Reference, error) {
	digest, err := image.Digest()
	if err != nil {
		return reference.Reference{}, fault.Wrap(fault.Internal, err, "the image of %s", repository)
	}
	ref, err := reference.Parse(repository + "@" + digest.String())
	if err != nil {
		return ref, err
	}
	at, options, err := r.at(ctx, ref)
	if err != nil {
		return ref, err
	}
	for _, one := range append(referrers, image) {
		digest, err := one.Digest()
		if err != nil {
			return ref, fault.Wrap(fault.Internal, err, "an artifact of %s", repository)
		}
		if err := remote.Write(at.Digest(digest.String()), one, options...); err != nil {
			return ref, r.fault(err, "writing %s", ref)
		}
	}
	return ref, nil
}

// Pull finds an image. Its layers are fetched when they are read; whoever reads them verifies them, see Unpack and ReadPipeline.
func (r Registry) Pull(ctx context.Context, ref reference.Reference) (v1.Image, error) {
	at, options, err := r.at(ctx, ref)
	if err != nil {
		return nil, err
	}
	image, err := remote.Image(at, options...)
	return image, r.fault(err, "reading %s", ref)
}

// at is the reference in this registry, and how to get there.
func (r Registry) at(ctx context.Context, ref reference.Reference) (name.Digest, []remote.Option, error) {
	address, err := r.address()
	if err != nil {
		return name.Digest{}, nil, err
	}
	naming := []name.Option{name.StrictValidation}
	if address.Scheme == "http" {
		naming = append(naming, name.Insecure)
	}
	at, err := name.NewDigest(address.Host+"/"+path.Join(strings.Trim(address.Path, "/"), ref.Repository)+"@sha256:"+ref.Digest, naming...)
	if err != nil {
		return at, nil, fault.New(fault.Invalid, "%s in the registry %s: %v", ref, r.URL, err)
	}
	auth, err := r.account(address)
	if err != nil {
		return at, nil, err
	}
	through := http.DefaultTransport.(*http.Transport).Clone()
	through.ResponseHeaderTimeout = responseLimit
	return at, []remote.Option{remote.WithContext(ctx), remote.WithAuth(auth), remote.WithTransport(onlyScheme{address.Scheme, through})}, nil
}

// Check says what is wrong with the registry's address.
func (r Registry) Check() error {
	_, err := r.address()
	return err
}

func (r Registry) address() (*url.URL, error) {
	address, err := url.Parse(r.URL)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" || address.User != nil || address.RawQuery != "" || address.Fragment != "" {
		// The text may hold a password, so that it is not repeated.
		return nil, fault.New(fault.Invalid, "the registry's address (LOANOPS_REGISTRY): want http://host:port or https://host[/prefix], without an account in it")
	}
	return address, nil
}

// account reads the password anew each time: it may be changed while a program runs.
func (r Registry) account(address *url.URL) (authn.Authenticator, error) {
	if r.Username == "" {
		return authn.Anonymous, nil
	}
	if ip := net.ParseIP(address.Hostname()); address.Scheme == "http" && address.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fault.New(fault.Invalid, "the registry %s has an account, and its password would be sent over http: use https", address.Host)
	}
	password, err := os.ReadFile(r.PasswordFile)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the password of the registry %s cannot be read: LOANOPS_REGISTRY_PASSWORD_FILE names no file that can be read", address.Host)
	}
	return &authn.Basic{Username: r.Username, Password: strings.TrimSpace(string(password))}, nil
}

// onlyScheme sends no request by another scheme than the address says: the library tries https first, and http for private networks.
type onlyScheme struct {
	scheme  string
	through http.RoundTripper
}

// RoundTrip refuses a request by another scheme.
func (o onlyScheme) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != o.scheme {
		return nil, fmt.Errorf("not asked, the registry's address says %s", o.scheme)
	}
	return o.through.RoundTrip(request)
}

// fault gives an error of the registry's a code.
func (r Registry) fault(err error, format string, args ...any) error {
	code := fault.Unavailable
	var answered *transport.Error
	if errors.As(err, &answered) {
		switch answered.StatusCode {
		case http.StatusNotFound:
			code = fault.NotFound
		case http.StatusUnauthorized, http.StatusForbidden:
			code = fault.Unauthorized
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusMethodNotAllowed:
			code = fault.Invalid
		}
	}
	if address, parsed := url.Parse(r.URL); parsed == nil {
		format += " in the registry " + address.Host
	}
	return fault.Wrap(code, err, format, args...)
}
