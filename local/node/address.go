package node

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
)

// reserved is how many addresses at the beginning of the range are given only on request.
const reserved = 256

// addresses gives each pod an address. It goes round the range, so that one that
// was given back is used again as late as possible: whoever still speaks to it
// meets nobody rather than a stranger.
type addresses struct {
	// base and last are the first and the last address of the range, as numbers.
	base, last uint32

	// mu guards what follows.
	mu   sync.Mutex
	next uint32
	used map[uint32]bool
}

func newAddresses(cidr netip.Prefix) *addresses {
	base := number(cidr.Masked().Addr())
	size := uint32(1) << (32 - cidr.Bits())
	return &addresses{base: base, last: base + size - 1, next: base + reserved, used: map[uint32]bool{}}
}

// take returns a free address.
func (a *addresses) take() (netip.Addr, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range a.last - a.base {
		candidate := a.next
		a.next++
		if a.next >= a.last {
			a.next = a.base + reserved
		}
		if !a.used[candidate] {
			a.used[candidate] = true
			return address(candidate), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("all %d addresses are in use", a.last-a.base)
}

// claim takes a certain address.
func (a *addresses) claim(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		return netip.Addr{}, fmt.Errorf("address %q is not an IPv4 address", text)
	}
	n := number(addr)
	if n <= a.base || n >= a.last {
		return netip.Addr{}, fmt.Errorf("address %s is outside the node's range", text)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used[n] {
		return netip.Addr{}, fmt.Errorf("address %s is in use", text)
	}
	a.used[n] = true
	return addr, nil
}

// release gives an address back.
func (a *addresses) release(addr netip.Addr) {
	if !addr.IsValid() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.used, number(addr))
}

func number(addr netip.Addr) uint32 {
	b := addr.As4()
	return binary.BigEndian.Uint32(b[:])
}

func address(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}
