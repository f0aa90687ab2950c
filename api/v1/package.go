package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Package is an archive of code: as source to be built, or ready to be deployed.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=pkg,categories=hotpod
// +kubebuilder:printcolumn:name="Environment",type=string,JSONPath=`.spec.environment.name`
// +kubebuilder:printcolumn:name="Build",type=string,JSONPath=`.status.buildstatus`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Package struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec PackageSpec `json:"spec"`
	// +optional
	Status PackageStatus `json:"status,omitzero"`
}

// PackageList is a list of packages.
//
// +kubebuilder:object:root=true
type PackageList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []Package `json:"items"`
}

// PackageSpec is what users declare of a package.
//
// +kubebuilder:validation:XValidation:rule="!has(self.source) || !has(self.source.oci)",message="source.oci is not supported: an OCI image holds a deployment archive (spec.deployment.oci)"
type PackageSpec struct {
	// Environment that builds and runs the code.
	Environment EnvironmentReference `json:"environment"`
	// Source archive, to be built.
	// +optional
	Source Archive `json:"source,omitzero"`
	// Deployment archive, ready to be loaded.
	// +optional
	Deployment Archive `json:"deployment,omitzero"`
	// BuildCommand replaces the environment's build command.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	BuildCommand string `json:"buildcmd,omitempty"`
}

// Archive is code in one of several places; at most one of Literal, URL and OCI is set.
//
// No rule may read the literal: for a field of format byte, CEL decodes it as URL-safe base64 and refuses what
// kubectl and client-go write.
//
// +kubebuilder:validation:XValidation:rule="!has(self.oci) || !has(self.url) || self.url.size() == 0",message="an archive is in one place: set literal, url or oci, not several"
// +kubebuilder:validation:XValidation:rule="!has(self.type) || self.type != 'url' || (has(self.url) && self.url.size() > 0)",message="an archive of type url needs url"
// +kubebuilder:validation:XValidation:rule="!has(self.type) || self.type != 'oci' || has(self.oci)",message="an archive of type oci needs oci"
// +kubebuilder:validation:XValidation:rule="!has(self.type) || self.type != 'literal' || ((!has(self.url) || self.url.size() == 0) && !has(self.oci))",message="an archive of type literal has neither url nor oci"
// +kubebuilder:validation:XValidation:rule="!has(self.secretref) || (has(self.url) && self.url.size() > 0 && !has(self.oci))",message="secretref holds credentials for url: set url too"
type Archive struct {
	// Type is "", "literal", "url" or "oci".
	// +optional
	// +kubebuilder:validation:Enum="";literal;url;oci
	Type string `json:"type,omitempty"`
	// Literal holds the code itself, at most 256 KiB.
	// +optional
	// +kubebuilder:validation:MaxLength=349528
	Literal []byte `json:"literal,omitempty"`
	// URL to fetch the code from.
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^(https?|archive)://.+')",message="url begins with http:// or https://"
	URL string `json:"url,omitempty"`
	// Checksum of what the URL answers.
	// +optional
	Checksum Checksum `json:"checksum,omitzero"`
	// OCI image that holds the code.
	// +optional
	OCI *OCIArchive `json:"oci,omitempty"`
	// SecretRef names a Secret with credentials for URL.
	// +optional
	SecretRef *corev1.LocalObjectReference `json:"secretref,omitempty"`
}

// Checksum of an archive.
//
// +kubebuilder:validation:XValidation:rule="!has(self.sum) || self.sum.size() == 0 || (has(self.type) && self.type == 'sha256')",message="a checksum has type sha256, the only one supported"
type Checksum struct {
	// Type is "sha256".
	// +optional
	// +kubebuilder:validation:Enum="";sha256
	Type string `json:"type,omitempty"`
	// Sum in lower-case hexadecimal.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[0-9a-f]{64}$')",message="the sum of type sha256 has 64 hexadecimal digits in lower case"
	Sum string `json:"sum,omitempty"`
}

// OCIArchive is code in an OCI image.
type OCIArchive struct {
	// Image reference.
	// +kubebuilder:validation:MinLength=1
	Image string `json:"image"`
	// ImagePullSecrets name Secrets with registry credentials.
	// +optional
	// +listType=atomic
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
	// SubPath inside the image.
	// +optional
	SubPath string `json:"subPath,omitempty"`
	// Digest that the image must have.
	// +optional
	// +kubebuilder:validation:Pattern=`^sha256:[a-f0-9]{64}$`
	Digest string `json:"digest,omitempty"`
}

// PackageStatus is what the platform reports of a package.
type PackageStatus struct {
	// BuildStatus is one of the Build constants.
	// +optional
	// +kubebuilder:default=pending
	// +kubebuilder:validation:Enum="";pending;running;succeeded;failed;none
	BuildStatus string `json:"buildstatus,omitempty"`
	// BuildLog is what the build printed.
	// +optional
	BuildLog string `json:"buildlog,omitempty"`
	// ContentHash of the source that was built last.
	// +optional
	ContentHash string `json:"contentHash,omitempty"`
	// LastUpdateTimestamp of the build status.
	// +optional
	// +nullable
	LastUpdateTimestamp metav1.Time `json:"lastUpdateTimestamp,omitzero"`
	// SpecResourceVersion is the resourceVersion at which ObservedGeneration was first seen: a function whose
	// packageref names an older one runs other code than this.
	// +optional
	SpecResourceVersion string `json:"specResourceVersion,omitempty"`
	// ObservedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: BuildSucceeded, Ready.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
}

// Values of PackageStatus.BuildStatus.
const (
	BuildPending   = "pending"
	BuildRunning   = "running"
	BuildSucceeded = "succeeded"
	BuildFailed    = "failed"
	BuildNone      = "none"
)

// Values of Archive.Type.
const (
	ArchiveLiteral = "literal"
	ArchiveURL     = "url"
	ArchiveOCI     = "oci"
)

// ChecksumMoved is the type of the checksum that stands in memory for a literal that lies elsewhere; Sum is the
// literal's SHA-256. The API server accepts no such type.
const ChecksumMoved = "moved"

// MaxLiteral is the size in bytes up to which an archive may be a literal.
const MaxLiteral = 256 * 1024

// Empty reports whether the archive names no code. A literal that was moved out of memory is not empty.
func (a *Archive) Empty() bool {
	return len(a.Literal) == 0 && a.URL == "" && a.OCI == nil && a.Checksum.Type != ChecksumMoved
}
