// Package router runs an Envoy and ends it in an orderly way.
//
// Envoy itself exits at SIGTERM with whatever it has inside. So a router is a parent of Envoy that, when it is told to
// end, has Envoy ask its clients to leave (every answer says "Connection: close"), goes on serving, and stops it when
// nothing is inside and nobody has asked for anything for a while: until then somebody may not know yet that this one
// goes. It holds nothing back and adds nothing to a request's way.
package router
