package spec

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	v1 "hotpod.dev/api/v1"
)

// Names that are Fission's, so that its specs and ours can take each other over.
const (
	// Dir is where specs lie when the user does not say.
	Dir = "specs"
	// ConfigFile holds the DeploymentConfig.
	ConfigFile = "fission-deployment-config.yaml"
	// IgnoreFile lists patterns of spec files that do not count, one a line.
	IgnoreFile = ".specignore"
	// AnnotationName holds the application's name, AnnotationUID its identity.
	AnnotationName = "fission-name"
	AnnotationUID  = "fission-uid"
	// ArchiveScheme begins the URL of an archive that is described in the specs.
	ArchiveScheme = "archive://"
)

const (
	// AnnotationHash tells whether what is declared is what was applied last.
	AnnotationHash = "hotpod.dev/spec-hash"
	// LabelCommit holds the commit of the specs, when the user asks for it.
	LabelCommit = "commit"
	// FieldManager owns on the server what specs declare.
	FieldManager = "hotpod-spec"
)

// Kinds of documents. Kinds lists those that are objects of the cluster, in the order in which they are applied: what is
// named comes before what names it.
const (
	KindEnvironment = "Environment"
	KindPackage     = "Package"
	KindFunction    = "Function"
	KindHTTPTrigger = "HTTPTrigger"
	KindTimeTrigger = "TimeTrigger"
	// KindWatchTrigger is a KubernetesWatchTrigger.
	KindWatchTrigger = "KubernetesWatchTrigger"

	kindConfig  = "DeploymentConfig"
	kindArchive = "ArchiveUploadSpec"
)

// Kinds returns the kinds of objects, in the order in which they are applied.
func Kinds() []string {
	return []string{KindEnvironment, KindPackage, KindFunction, KindHTTPTrigger, KindTimeTrigger, KindWatchTrigger}
}

// Object is an object of one of Kinds.
type Object interface {
	metav1.Object
	runtime.Object
	Validate() error
}

// newObject returns an empty object of a kind, nil for what is none.
func newObject(kind string) Object {
	switch kind {
	case KindEnvironment:
		return &v1.Environment{}
	case KindPackage:
		return &v1.Package{}
	case KindFunction:
		return &v1.Function{}
	case KindHTTPTrigger:
		return &v1.HTTPTrigger{}
	case KindTimeTrigger:
		return &v1.TimeTrigger{}
	case KindWatchTrigger:
		return &v1.KubernetesWatchTrigger{}
	default:
		return nil
	}
}

// Config says to which application specs belong.
type Config struct {
	metav1.TypeMeta `json:",inline"`
	// Name is for people.
	Name string `json:"name"`
	// UID is the identity by which objects are found again.
	UID string `json:"uid"`
}

// Archive describes an archive to be made of files.
type Archive struct {
	metav1.TypeMeta `json:",inline"`
	// Name by which packages refer to it: archive://NAME.
	Name string `json:"name"`
	// RootDir is what the globs are relative to; empty means the parent of the folder of specs.
	RootDir string `json:"rootdir,omitempty"`
	// Include lists globs of what belongs to it, Exclude of what does not. "**" stands for any number of folders.
	Include []string `json:"include,omitempty"`
	Exclude []string `json:"exclude,omitempty"`

	at Location
}

// At returns where the archive is described.
func (a *Archive) At() Location { return a.at }

// Item is one object as declared.
type Item struct {
	Kind   string
	Object Object
	// Spec is what the user declared, and no more: nothing that our types would add.
	Spec map[string]any

	doc *document
}

// Key names an object of a kind.
type Key struct{ Kind, Namespace, Name string }

// Key returns the item's.
func (i *Item) Key() Key { return Key{i.Kind, i.Object.GetNamespace(), i.Object.GetName()} }

// At returns where the item is declared.
func (i *Item) At() Location { return i.doc.at }

// App is what a folder of specs describes.
type App struct {
	Dir      string
	Config   Config
	Items    []*Item
	Archives []*Archive
}

// Of returns the items of a kind.
func (a *App) Of(kind string) []*Item {
	var out []*Item
	for _, item := range a.Items {
		if item.Kind == kind {
			out = append(out, item)
		}
	}
	return out
}
