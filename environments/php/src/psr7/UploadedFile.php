<?php

declare(strict_types=1);

namespace Hotpod\Psr7;

use Psr\Http\Message\StreamInterface;
use Psr\Http\Message\UploadedFileInterface;

/** A file of a form, in memory. */
final class UploadedFile implements UploadedFileInterface
{
    public function __construct(private readonly string $text, private readonly string $name, private readonly string $type)
    {
    }

    /**
     * Reads a form of type multipart/form-data.
     *
     * @return array{array<string, string>, array<string, self>} its fields and its files
     */
    public static function form(string $body, string $contentType): array
    {
        [$fields, $files] = [[], []];
        if (!preg_match('/boundary="?([^";]+)"?/i', $contentType, $m)) {
            return [$fields, $files];
        }
        foreach (array_slice(explode("\r\n--$m[1]", "\r\n$body"), 1, -1) as $part) {
            [$head, $text] = explode("\r\n\r\n", $part, 2) + ['', ''];
            if (!preg_match('/name="([^"]*)"/i', $head, $name)) {
                continue;
            }
            if (preg_match('/filename="([^"]*)"/i', $head, $file)) {
                preg_match('/^Content-Type:\s*(\S+)/mi', $head, $type);
                $files[$name[1]] = new self($text, $file[1], $type[1] ?? 'application/octet-stream');
            } else {
                $fields[$name[1]] = $text;
            }
        }
        return [$fields, $files];
    }

    public function getStream(): StreamInterface
    {
        return new Stream($this->text);
    }

    public function moveTo($targetPath): void
    {
        if (file_put_contents($targetPath, $this->text) === false) {
            throw new \RuntimeException("the file cannot be written to $targetPath");
        }
    }

    public function getSize(): ?int
    {
        return strlen($this->text);
    }

    public function getError(): int
    {
        return UPLOAD_ERR_OK;
    }

    public function getClientFilename(): ?string
    {
        return $this->name;
    }

    public function getClientMediaType(): ?string
    {
        return $this->type;
    }
}
