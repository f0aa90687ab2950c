package platform

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestClaimNetwork_GivesEachPlatformItsOwn(t *testing.T) {
	seen := map[int]bool{}
	for range 5 {
		n, err := claimNetwork(t.Context(), 0, "/the/same/folder")
		if err != nil {
			t.Fatal(err)
		}
		defer n.release()
		if seen[n.number] || n.number < firstNetwork || n.number > lastNetwork {
			t.Errorf("got network %d again or outside", n.number)
		}
		seen[n.number] = true
	}
}

func TestClaimNetwork_TakesThePreferredWhenItIsFree(t *testing.T) {
	first, err := claimNetwork(t.Context(), 0, "/x")
	if err != nil {
		t.Fatal(err)
	}
	first.release()
	again, err := claimNetwork(t.Context(), first.number, "/another/folder")
	if err != nil {
		t.Fatal(err)
	}
	defer again.release()
	if again.number != first.number {
		t.Errorf("got %d, want %d", again.number, first.number)
	}
	if again.node() != netip.MustParseAddr(fmt.Sprintf("127.%d.0.1", again.number)) || !again.cidr().Contains(again.node()) {
		t.Errorf("node %s is not in %s", again.node(), again.cidr())
	}
}

func TestCheckPodPorts_NamesAPortThatIsTakenEverywhere(t *testing.T) {
	n, err := claimNetwork(t.Context(), 0, "/x")
	if err != nil {
		t.Fatal(err)
	}
	defer n.release()
	everywhere, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer everywhere.Close()
	here, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	port := everywhere.Addr().(*net.TCPAddr).Port
	err = n.checkPodPorts(t.Context(), []int{port, here.Addr().(*net.TCPAddr).Port})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("port %d is taken", port)) {
		t.Errorf("got %v", err)
	}
	if err != nil && strings.Contains(err.Error(), fmt.Sprintf("port %d is taken", here.Addr().(*net.TCPAddr).Port)) {
		t.Errorf("a port of 127.0.0.1 is in nobody's way: %v", err)
	}
}

func TestChoosePort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().(*net.TCPAddr).Port
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := other.Addr().(*net.TCPAddr).Port
	other.Close()

	for name, test := range map[string]struct{ chosen, last, usual, want int }{
		"chosen":                     {free, 0, busy, free},
		"the usual one":              {0, busy, free, free},
		"the last, usual is taken":   {0, free, busy, free},
		"any, when nothing is known": {0, 0, busy, 0},
		"any, when all are taken":    {0, busy, busy, 0},
	} {
		p, err := choosePort(t.Context(), test.chosen, "router-port", test.last, test.usual)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := p.number; test.want != 0 && got != test.want || got == busy {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
		p.release()
	}
	_, err = choosePort(t.Context(), busy, "router-port", free, free)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(busy)) || !strings.Contains(err.Error(), "--router-port") {
		t.Errorf("got %v, want an error that names the port and the flag", err)
	}
}

func TestChoosePort_KeepsOthersAwayUntilReleased(t *testing.T) {
	first, err := choosePort(t.Context(), 0, "router-port", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	first.handOver() // the program that will listen has not started yet
	second, err := choosePort(t.Context(), 0, "router-port", 0, first.number)
	if err != nil {
		t.Fatal(err)
	}
	defer second.release()
	if second.number == first.number {
		t.Error("two platforms chose the same port")
	}
	first.release()
	third, err := choosePort(t.Context(), first.number, "router-port", 0, 0)
	if err != nil {
		t.Fatalf("a port that was released: %v", err)
	}
	third.release()
}
