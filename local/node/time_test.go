package node

import (
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func gaps(times []time.Time) []time.Duration {
	var all []time.Duration
	for i := 1; i < len(times); i++ {
		all = append(all, times[i].Sub(times[i-1]).Round(time.Millisecond))
	}
	return all
}

func TestContainer_RestartsWithDoublingDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, box := runFake(t, shellPod(""), func(p *fakeProcess) { p.end(1) })
		time.Sleep(20 * time.Second)
		synctest.Wait()
		want := []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}
		if got := gaps(box.startTimes()); !slices.Equal(got, want) {
			t.Errorf("gaps %v, want %v", got, want)
		}
		c := f.container()
		if c.RestartCount != 5 || c.State.Waiting == nil || c.State.Waiting.Reason != "CrashLoopBackOff" || c.LastTerminationState.Terminated.ExitCode != 1 {
			t.Errorf("container %+v", c)
		}
		if f.api.last().Phase != corev1.PodRunning || !f.events.has("BackOff") {
			t.Errorf("phase %s, events %q", f.api.last().Phase, f.events.all())
		}
	})
}

func TestContainer_ALongRunForgetsTheDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		_, box := runFake(t, shellPod(""), func(p *fakeProcess) {
			if runs++; runs == 4 {
				time.Sleep(11 * time.Minute)
			}
			p.end(1)
		})
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		want := []time.Duration{0, time.Second, 2 * time.Second, 11 * time.Minute, time.Second}
		if got := gaps(box.startTimes()); !slices.Equal(got[:5], want) {
			t.Errorf("gaps %v, want %v", got, want)
		}
	})
}

func TestWorker_DelaysDoNotHoldUpDeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := runFake(t, shellPod(""), func(p *fakeProcess) { p.end(1) })
		time.Sleep(time.Hour)
		began := time.Now()
		f.stop.order(f.grace(), true)
		<-f.finished
		synctest.Wait()
		if waited := time.Since(began); waited > 0 || !f.api.gone() {
			t.Errorf("removed %v after %v", f.api.gone(), waited)
		}
	})
}

func TestWorker_StopKeepsTheGracePeriod(t *testing.T) {
	stubborn := func(*fakeProcess) {}
	for name, c := range map[string]struct {
		life func(p *fakeProcess)
		stop func(w *worker)
		want time.Duration
	}{
		"ends at SIGTERM": {func(p *fakeProcess) {
			if <-p.signals == syscall.SIGTERM {
				time.Sleep(3 * time.Second)
				p.end(0)
			}
		}, func(w *worker) { w.stop.order(30*time.Second, true) }, 3 * time.Second},
		"is killed":         {stubborn, func(w *worker) { w.stop.order(30*time.Second, true) }, 30 * time.Second},
		"is killed at once": {stubborn, func(w *worker) { w.stop.order(0, true) }, minimumGrace},
		"order is shortened": {stubborn, func(w *worker) {
			w.stop.order(30*time.Second, true)
			time.Sleep(2 * time.Second)
			w.stop.order(5*time.Second, true)
			w.stop.order(50*time.Second, true)
		}, 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _ := runFake(t, shellPod(""), c.life)
				time.Sleep(time.Second)
				began := time.Now()
				c.stop(f.worker)
				<-f.finished
				synctest.Wait()
				if took := time.Since(began); took != c.want || !f.api.gone() {
					t.Errorf("took %v, want %v; removed: %v", took, c.want, f.api.gone())
				}
			})
		})
	}
}

func TestWorker_PreStopSleepComesOutOfTheGracePeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := shellPod("")
		pod.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 10}}}
		var signalled time.Time
		f, _ := runFake(t, pod, func(p *fakeProcess) {
			<-p.signals
			signalled = time.Now()
		})
		time.Sleep(time.Second)
		began := time.Now()
		f.stop.order(12*time.Second, true)
		<-f.finished
		synctest.Wait()
		if signalled.Sub(began) != 10*time.Second || time.Since(began) != 12*time.Second {
			t.Errorf("SIGTERM after %v, end after %v", signalled.Sub(began), time.Since(began))
		}
	})
}

func TestWorker_DeadlineFailsThePod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := shellPod("")
		pod.Spec.ActiveDeadlineSeconds = new(int64(60))
		f, _ := runFake(t, pod, func(p *fakeProcess) { <-p.signals; p.end(0) })
		<-f.finished
		if s := f.api.last(); s.Phase != corev1.PodFailed || s.Reason != "DeadlineExceeded" || f.api.gone() {
			t.Errorf("status %+v, removed %v", s, f.api.gone())
		}
	})
}

func TestWorker_WritesNothingWhileNothingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := runFake(t, shellPod(""), func(*fakeProcess) {})
		time.Sleep(time.Second)
		before := f.api.count()
		time.Sleep(time.Hour)
		if after := f.api.count(); after != before || before > 3 {
			t.Errorf("%d writes at first, %d after an hour", before, after)
		}
	})
}

func TestWorker_APodThatEndsGivesItsAddressBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := shellPod("")
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
		f, _ := runFake(t, pod, func(p *fakeProcess) { p.end(0) })
		<-f.finished
		if s := f.api.last(); s.Phase != corev1.PodSucceeded || len(f.host.addresses.used) != 0 {
			t.Errorf("phase %s, addresses in use: %v", s.Phase, f.host.addresses.used)
		}
	})
}
