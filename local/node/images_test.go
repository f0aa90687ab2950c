package node

import (
	"strings"
	"testing"
)

func TestMoved_FindsItsFilesWhereNoVolumeCoversThem(t *testing.T) {
	r := resolvedImage{Image: Image{
		Dir: "/tmp/checkout/environments/nodejs", WorkDir: "/tmp/checkout/environments/nodejs",
		Command: []string{"node", "/tmp/checkout/environments/nodejs/server.js", "/tmp/checkout/environments/nodejs-other/x"},
		Env:     map[string]string{"LIB": "/tmp/checkout/environments/nodejs/lib", "OTHER": "/tmp", "PATH": "/usr/bin:/tmp/checkout/environments/nodejs"},
	}}
	command := r.Command
	r.moved()
	if !strings.HasPrefix(r.inside, "/images/nodejs-") || r.WorkDir != r.inside || r.Command[1] != r.inside+"/server.js" || r.Env["LIB"] != r.inside+"/lib" || r.Env["PATH"] != "/usr/bin:"+r.inside {
		t.Errorf("moved image: %+v", r)
	}
	if r.Command[0] != "node" || r.Command[2] != "/tmp/checkout/environments/nodejs-other/x" || r.Env["OTHER"] != "/tmp" {
		t.Errorf("what is not the image's was moved too: %+v", r)
	}
	if command[1] != "/tmp/checkout/environments/nodejs/server.js" {
		t.Error("the resolver's own image was changed")
	}
}
