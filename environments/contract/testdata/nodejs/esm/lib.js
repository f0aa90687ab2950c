export const greeting = await Promise.resolve('hello');
