package parts

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Values are what placeholders stand for.
type Values struct {
	// Addresses are those of the parts by name; ${XDS_IP} is the address of the part xds.
	Addresses map[string]netip.Addr
	// RouterPort is ${ROUTER_PORT}, the port of 127.0.0.1 that serves functions to people.
	RouterPort int
	// InternalPort is ${INTERNAL_PORT}, the port of the router's address that serves function calls inside.
	InternalPort int
	// APIServer is ${APISERVER}, the URL of the Kubernetes API.
	APIServer string
	// DataDir is ${DATA_DIR}, the platform's folder.
	DataDir string
	// NodeIP is ${NODE_IP}, the node's own address.
	NodeIP netip.Addr
}

// AddressAnnotation on a pod template chooses the pod's address instead of Values.Addresses.
const AddressAnnotation = "local.hotpod.dev/address"

// Addresses gives each part that the manifests speak of a fixed address in the first 256 addresses of the range.
func Addresses(cidr netip.Prefix) map[string]netip.Addr {
	base := cidr.Masked().Addr().As4()
	addresses := map[string]netip.Addr{}
	for i, part := range []string{"router", "xds", "activator", "autoscaler", "controller", "storage", "timer", "kubewatcher", "logger"} {
		base[3] = byte(i + 2)
		addresses[part] = netip.AddrFrom4(base)
	}
	return addresses
}

// TwinAddresses are those of the nth router and of its discovery server; the first are among Addresses.
func TwinAddresses(cidr netip.Prefix, n int) map[string]netip.Addr {
	addresses := Addresses(cidr)
	base := cidr.Masked().Addr().As4()
	base[3] = byte(2*n + 16) //nolint:gosec // bounded by MaxTwins
	addresses["router"] = netip.AddrFrom4(base)
	base[3]++
	addresses["xds"] = netip.AddrFrom4(base)
	return addresses
}

// MaxTwins bounds the routers of a platform.
const MaxTwins = 9

func (v Values) replacer() *strings.Replacer {
	pairs := append(make([]string, 0, 10+2*len(v.Addresses)),
		"${ROUTER_PORT}", strconv.Itoa(v.RouterPort),
		"${INTERNAL_PORT}", strconv.Itoa(v.InternalPort),
		"${APISERVER}", v.APIServer,
		"${DATA_DIR}", v.DataDir,
		"${NODE_IP}", v.NodeIP.String(),
	)
	for part, address := range v.Addresses {
		name := strings.ToUpper(strings.ReplaceAll(part, "-", "_"))
		pairs = append(pairs, fmt.Sprintf("${%s_IP}", name), address.String())
	}
	return strings.NewReplacer(pairs...)
}
