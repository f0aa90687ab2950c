package seldom_test

import (
	"testing"
	"testing/synctest"
	"time"

	"hotpod.dev/seldom"
)

func TestVoice_SpeaksOfASubjectNowAndThenAndTellsHowOftenItDidNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var v seldom.Voice
		want := func(subject string, silent int, ok bool) {
			t.Helper()
			if n, spoke := v.Speak(subject); n != silent || spoke != ok {
				t.Errorf("%s: %d, %t, want %d, %t", subject, n, spoke, silent, ok)
			}
		}
		want("a", 0, true)
		want("a", 0, false)
		want("a", 0, false)
		want("b", 0, true)
		time.Sleep(5 * time.Second)
		want("a", 2, true)
		want("b", 0, true)
	})
}
