/** The ticker's page: a card for each symbol, which begins with the last 50 quotes and goes on live. */
import '../support/story.css';
import './ticker.css';
import { connectAs, find, NO_STORAGE, showState } from '../support/page.ts';
import { Card } from './card.ts';

const SYMBOLS = ['btc-usd', 'eth-usd'];

const carillon = await connectAs('visitor', { storage: NO_STORAGE });
showState(carillon, find('#state', HTMLElement));

const main = find('main', HTMLElement);
const cards = new Map(SYMBOLS.map((symbol) => [`topic:ticker.${symbol}`, new Card(symbol, main)]));
carillon.on('notification', (quote, context) => cards.get(quote.audience)?.add(quote, context));
for (const symbol of SYMBOLS) void carillon.subscribe(`ticker.${symbol}`, { last: 50 });
