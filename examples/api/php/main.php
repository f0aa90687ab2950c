<?php

use Shop\Pricing;

// Takes orders: POST /orders/{id}?customer=NAME with a list of items.
//
// It shows what a function can use: the path's parameters, query, headers and body of the request, environment variables, a
// ConfigMap and a Secret as files, and classes that Composer's autoloader finds.
function handler(array $context)
{
    $request = $context['request'];
    $items = $request->getParsedBody()['items'] ?? [];
    if (!$items) {
        return reply($context, 400, ['error' => 'an order needs items']);
    }
    try {
        $total = Pricing::total($items, (float) setting('discount'));
    } catch (DomainException $e) {
        return reply($context, 400, ['error' => $e->getMessage()]);
    }
    $id = $request->getHeaderLine('X-Fission-Params-Id');
    return reply($context, 201, [
        'order' => $id,
        'customer' => $request->getQueryParams()['customer'] ?? '',
        'source' => $request->getHeaderLine('X-Request-Source'),
        'currency' => getenv('CURRENCY') ?: 'EUR',
        'total' => $total,
        'signature' => hash_hmac('sha256', $id, secret('key')),
    ]);
}

function reply(array $context, int $status, array $value)
{
    $response = $context['response']->withStatus($status)->withHeader('Content-Type', 'application/json');
    $response->getBody()->write(json_encode($value));
    return $response;
}

// A value of the shop's ConfigMap.
function setting(string $name): string
{
    return text((getenv('SETTINGS_DIR') ?: '/configs/default/shop') . "/$name");
}

// A value of the shop's Secret.
function secret(string $name): string
{
    return text((getenv('SECRETS_DIR') ?: '/secrets/default/shop') . "/$name");
}

function text(string $file): string
{
    return is_file($file) ? trim(file_get_contents($file)) : '';
}
