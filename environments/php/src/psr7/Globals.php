<?php

declare(strict_types=1);

namespace Hotpod\Psr7;

use Hotpod\RequestHead;

/** PHP's own variables for a request. */
final class Globals
{
    /** Sets $_GET, $_POST, $_COOKIE, $_REQUEST and $_SERVER. Files of a form are in the request only. */
    public static function set(RequestHead $head, ServerRequest $request): void
    {
        static $own = null;
        $own ??= $_SERVER;
        [$path, $query] = explode('?', $head->target, 2) + ['', ''];
        $_SERVER = $own + [
            'REQUEST_METHOD' => $head->method,
            'REQUEST_URI' => $head->target,
            'PATH_INFO' => rawurldecode($path),
            'QUERY_STRING' => $query,
            'SERVER_PROTOCOL' => "HTTP/$head->version",
            'CONTENT_TYPE' => $head->line('content-type'),
            'CONTENT_LENGTH' => $head->line('content-length'),
        ];
        $_SERVER['REQUEST_TIME_FLOAT'] = microtime(true);
        $_SERVER['REQUEST_TIME'] = (int) $_SERVER['REQUEST_TIME_FLOAT'];
        foreach ($head->headers as $name => $values) {
            $_SERVER['HTTP_' . strtoupper(strtr((string) $name, '-', '_'))] = implode(', ', $values);
        }
        unset($_SERVER['HTTP_PROXY']); // Libraries take it for a setting of theirs.
        $_GET = $query === '' ? [] : $request->getQueryParams();
        $_COOKIE = isset($head->names['cookie']) ? $request->getCookieParams() : [];
        $_POST = $request->isForm() ? (array) $request->getParsedBody() : [];
        $_REQUEST = $_GET + $_POST;
    }
}
