'use client';

import { type Dispatch, useEffect, useState } from 'react';
import { type BrowserStorage, browserStorage } from '../../components/storage/browser-storage';
import { keepHistory, readHistory } from './kept-history';
import type { Decision, LabelAction } from './label-state';

/** Each tab takes back what was done in it. */
const ofThisTab = (): BrowserStorage => browserStorage(() => window.sessionStorage);

/** Lets what can be taken back outlive a reload of the page. */
export function useKeptHistory(
  owner: string,
  history: Decision[],
  dispatch: Dispatch<LabelAction>,
): void {
  const [readFor, setReadFor] = useState<string | null>(null);
  useEffect(() => {
    dispatch({ type: 'remembered', history: readHistory(ofThisTab(), owner) });
    setReadFor(owner);
  }, [owner, dispatch]);
  useEffect(() => {
    if (readFor === owner) keepHistory(ofThisTab(), owner, history);
  }, [readFor, owner, history]);
}
